"""The words that the endings of `lemmas.py` would get wrong: irregular forms, and lists of regular stems by ending."""

from __future__ import annotations

# words of any other part of speech: tag, then word and lemma
OTHERS = """
DT    an=a
MD    'd=would 'll=will ca=can wo=will sha=shall
PRP   him=he her=she them=they me=I i=I us=we your=you 'em=they
PRP$  his=he her=she their=they our=we your=you its=its my=my
RB    n't=not
VBZ   's=be
"""

# base and its irregular forms
VERBS = """
abide:abode agree:agreed arise:arose,arisen awake:awoke,awoken be:'m,'re,ai,am,are,been,is,m,re,s,was,were
bear:bore,born,borne become:became befall:befell,befallen beget:begot,begotten begin:began,begun
behold:beheld belie:belied,belying bend:bent bereave:bereft beseech:besought bespeak:bespoke,bespoken
bind:bound bite:bit,bitten bleed:bled bless:blest blow:blew,blown break:broke,broken breed:bred
bring:brought build:built burn:burnt bus:buses,busses,bused,busing buy:bought canoe:canoes catch:caught
choose:chose,chosen cleave:clove,cloven cling:clung clothe:clad come:came creep:crept deal:dealt
decree:decreed die:dying dig:dug disagree:disagreed dive:dove do:did,does,done draw:drew,drawn
drink:drank,drunk drive:drove,driven dwell:dwelt eat:ate,eaten echo:echoed fall:fell,fallen feed:fed
feel:felt fight:fought find:found flee:fled fling:flung fly:flew,flown focus:focuses
forbear:forbore,forborne forbid:forbad,forbade,forbidden foresee:foresaw,foreseen foretell:foretold
forget:forgot,forgotten forgive:forgave,forgiven forgo:forwent,forgone forsake:forsook,forsaken free:freed
freeze:froze,frozen get:got,gotten gild:gilt give:gave,given go:goes,gone,went grind:ground grow:grew,grown
guarantee:guaranteed hand-feed:hand-fed hang:hung have:'d,'ve,had,has,v hear:heard hew:hewn hide:hid,hidden
hoe:hoes hogtie:hogtied,hogties,hogtying hold:held keep:kept knee:kneed kneel:knelt know:knew,known,no
lasso:lassoed lay:laid lead:led lean:leant leap:leapt learn:learnt leave:left lend:lent lie:lain,lying
light:lit lose:lost make:made mean:meant meet:met mislay:mislaid mislead:misled mistake:mistook,mistaken
misunderstand:misunderstood mow:mown outdo:outdid,outdone outgrow:outgrew,outgrown outrun:outran
overcome:overcame overdo:overdid,overdone overfeed:overfed overgrow:overgrew,overgrown overhang:overhung
overhear:overheard overlay:overlaid override:overrode,overridden overrun:overran oversee:oversaw,overseen
overshoot:overshot oversleep:overslept overtake:overtook,overtaken overthrow:overthrew,overthrown
partake:partook,partaken pay:paid pedigree:pedigreed pee:peed prove:proven putt:putted radio:radioed
rebuild:rebuilt redo:redid,redone referee:refereed remake:remade repay:repaid retell:retold
rewrite:rewrote,rewritten ride:rode,ridden ring:rang,rung rise:rose,risen run:ran saw:sawn say:said
see:saw,seen seek:sought sell:sold send:sent sew:sewn shake:shook,shaken she:shes shear:shorn shine:shone
shoe:shod,shoes,shoed shoot:shot show:shown shrink:shrank,shrunk,shrunken
silhouette:silhouetted,silhouetting silo:siloed sing:sang,sung sink:sank,sunk,sunken sit:sat
ski:skied,skiing slay:slew,slain sleep:slept slide:slid sling:slung slink:slunk smell:smelt
smite:smote,smitten sow:sown speak:spoke,spoken speed:sped spell:spelt spend:spent spill:spilt spin:spun
spit:spat spoil:spoilt spring:sprang,sprung stand:stood stave:stove steal:stole,stolen stick:stuck
sting:stung stink:stank,stunk strew:strewn stride:strode,stridden strike:struck,stricken string:strung
strive:strove,striven swear:swore,sworn sweep:swept swell:swollen swim:swam,swum swing:swung take:took,taken
taxi:taxied,taxies,taxiing teach:taught tear:tore,torn tee:teed tell:told think:thought throw:threw,thrown
tie:tying tiptoe:tiptoes toe:toes torpedo:torpedoed tread:trod,trodden unbend:unbent unbind:unbound
undergo:undergoes,underwent,undergone understand:understood undertake:undertook,undertaken
undo:undid,undoes,undone unmake:unmade untie:untied,untying unwind:unwound uphold:upheld veto:vetoed
vie:vying wake:woke,woken waylay:waylaid wear:wore,worn weave:wove,woven weep:wept win:won wind:wound
withdraw:withdrew,withdrawn withhold:withheld withstand:withstood work:wrought wring:wrung
write:wrote,written
"""

# bases that look like an inflected form
VERB_BASES = """
address as bias bleed bless boss breed bring bus cactus caress cling confess cross deed depress digress
discuss dismiss distress dress embarrass embed exceed express feed fling floss focus fuss gas guess harass
harness heed his hiss impress indeed kiss mass mess miss need obsess offspring oppress outspring pass
possess press proceed process profess progress regress repress ring seed sing sling speed spring sting
stress string succeed success suppress surpass swing this toss transgress trespass us weed wing witness
"""

# verbs that double their last consonant before -ing and -ed, and lose it again
DOUBLED = """
abet abhor acquit admit allot annul bag ban bar bat bed beg begin bet bid blab blot blur bob bop brag brim
bud bug bum but cab cam can cancel cap chat chip chop chug clap clip clog clot commit compel con concur
confer control corral crab cram crib crop cub cup cut dab dam debug defer demur deter dig dim din dip disbar
disbud dispel distil dog don dot drag drip drop drub drug drum dub embed emit enrol equip excel expel extol
fan fat fit flag flap flat flip flit flog flop forbid forget format fret frolic fulfil fur gag gap gas gem
get gig glut grab grin grip grit grub gum gun gut gyp handicap hem hit hobnob hog hop hug hum impel incur
infer instil inter intermit jab jam jet jig job jog jot jut kid kidnap knit knot label lag lap leg let level
lid lob log lop lug man map mar mat mimic mob model monogram mop mud mug nab nag nap net nip nod nut occur
omit outcrop outfit outrun outwit overlap pad pan panic pat patrol peg pen pep permit pet picnic pig pin pit
plan plod plop plot plug pop pot prefer prep prim prod program prop propel pun put quip quit quiz rag ram
rap rat rebel recap recur refer refit regret remit repel retrofit rev rib rid rig rim rip rob rot rub run
rut sag sap scan scar scrap scrub scud set sham shed shin ship shop shred shrug shun shut signal sin sip sit
skid skim skin skip slam slap sled slim slip slit slog slop slot slug slum slur snag snap snip snub sob sop
span spat spin spit split spot spur squat squid stab star stem step stir stop strap strip strum strut stub
stud stun submit sum sun swab swag swap swat swig swim swot tab tag tan tap tar thin throb thrum thud tip
top tot traffic transfer transmit transship trap travel trek trepan trim trip trot tug tut twig twin twit
unclog unfit unman unpin unplug unstop unwrap unzip up upset wad wag war web wed wet whet whip whir whiz win
wit worship wrap yak yap yip zap zigzag zip
"""

# what becomes of a verb that has lost its -ing or -ed: the longest ending decides, `^` is the start of the word
STEMS = {
    "": """
        b d f h k l m n p r t w x y o ee ye oe ie be ff gg ll ss tz zz ck sk sh ch ph gh us ing ong ang ead
        oad eed ood aid oid aud oud ied uad oed eak oak eek ook auk iek iil aed eal oal ail eel iel oil ool
        uel ial aul oul ual oel eil eam oam aim eem oom eum uum ium ean ain een ein ien oan oin oon ion aun
        oun uin aen eap oap eep oop oup uip aup ear oar air eer ier oor our oir iar eir eur uer aur aer eat
        oat ait eet oit uit oot out aut iet uet eit iot eaf oaf ief oof eef aif rl wl en on an un er et el
        it ep om or op ap ip up ^bath mouth birth earth froth smooth tooth booth length strength month youth
        focus bias canvas gas bus pedal signal spiral total equal rival medal metal marshal sandal scandal
        vandal journal channel pencil stencil council fossil carol idol symbol petrol victim pilgrim problem
        system ransom fathom custom bosom cabin pumpkin muffin margin coffin resin robin napkin basin raisin
        satin collar pillar dollar cellar sugar altar vinegar murmur sulfur femur elixir pivot pilot ballot
        carrot parrot robot mascot knot combat format habitat debut wallop sync zinc arc disc talc
    """,
    "e": """
        bl cl dl fl gl kl pl sl tl zl br cr dr gr tr vr c g s u v z th a e i eh lll ^yo ab eb ib ob ub yb ad
        ed id od ud yd af ef if of uf ak ek ik ok uk yk al il ol ul yl am em im um ym in yn yp ar ir ur yr
        at ot ut yt uid uar uir eiz iat uat creat permeat delineat nauseat recreat eng ung arrang chang
        derang estrang ^rang orang cring fring hing bing infring impinge twing spong ^past ^bast ^tast wast
        hast past lambast ^us ^amus ^confus ^enthus accus abus excus ^fus refus infus defus diffus ^mus
        bemus perus reus ous aus eus ^plan ^cran hurrican profan insan urban conven interven gangren scen
        seren ^ston ^ton ^phon teleph telephon ^zon ^hon ^dron ^clon aton condon postpon ^bon hron thron
        microphon ^tun ^prun attun immun commun ^ap ^drap escap scap shap ^tap videotap ^gap scrap grap ^rap
        ^vap ^cap ^pip swip ^wip ^grip ^snip ^rip ^hop ^mop ^rop ^slop ^cop scop ^elop ^grop ^lop ^dop ^dup
        adher coher inher ^her interfer persever rever ^spher ^bor ^por ^scor ^stor ^shor ^cor ^gor ^lor
        ^snor ^chor ^wor ^tor ^for ^sor explor implor deplor ignor restor ador ^com becom welcom oncom upcom
        incom overcom ^dom ^hom ^gnom ^chrom compet complet delet ^met secret obsolet concret deplet ^bit
        excit invit unit reunit ^sit writ ^cit recit incit ignit ^kit ^spit smit expedit ^whit ^mit ^rit
        ^quot ^ow ^aw ^ey ^dy ^y eys ^cut
    """,
}

# what an ending in -s leaves behind: the longest ending decides; verbs differ in -zzes alone
ENDINGS = """
s=       ies=y    ches=ch  shes=sh  sses=ss  xes=x  oes=o  zzes=zz  ss=ss  us=us
men=man  i=us     ae=a
"""
VERB_ENDINGS = """
zzes=z
"""

# singular and its irregular plurals
NOUNS = """
ache:aches addendum:addenda aloe:aloes analysis:analyses apparatus:apparatuses atlas:atlases axis:axes
bacterium:bacteria bandeau:bandeaux basis:bases beau:beaux bias:biases blouse:blouses bonus:bonuses
bookshelf:bookshelves brother-in-law:brothers-in-law brows:browses bureau:bureaux bus:buses,busses
cache:caches calf:calves campus:campuses canoe:canoes canvas:canvases census:censuses chateau:chateaux
child:children chorus:choruses christmas:christmases château:châteaux circus:circuses crisis:crises
criterion:criteria curriculum:curricula datum:data diagnosis:diagnoses doe:does dwarf:dwarves elf:elves
ellipsis:ellipses emphasis:emphases erratum:errata floe:floes foe:foes foot:feet fungus:funguses
gas:gases,gasses gateau:gateaux genius:geniuses goose:geese half:halves headache:headaches
hippopotamus:hippopotamuses hoe:hoes hoof:hooves horseshoe:horseshoes house:houses housewife:housewives
hypothesis:hypotheses iris:irises jackknife:jackknives knife:knives leaf:leaves life:lives lira:lire
loaf:loaves louse:lice mantis:mantises memorandum:memoranda midwife:midwives millennium:millennia
minibus:minibuses minus:minuses mouse:mice neurosis:neuroses oasis:oases oboe:oboes octopus:octopuses
overshoe:overshoes ox:oxen parenthesis:parentheses passer-by:passers-by passerby:passersby penis:penises
penknife:penknives penny:pence person:persons phenomenon:phenomena plateau:plateaux platypus:platypuses
plus:pluses posse:posses prognosis:prognoses quiz:quizzes rhinoceros:rhinoceroses roe:roes
runner-up:runners-up scarf:scarves schema:schemata self:selves she:shes sheaf:sheaves shelf:shelves
shoe:shoes sinus:sinuses snowshoe:snowshoes spectrum:spectra status:statuses stigma:stigmata
stimulus:stimuli stratum:strata surplus:surpluses symposium:symposia synopsis:synopses synthesis:syntheses
tableau:tableaux tennis:tennis thermos:thermoses thesis:theses thief:thieves throe:throes tiptoe:tiptoes
toe:toes tooth:teeth trellis:trellises turf:turves virus:viruses walrus:walruses werewolf:werewolves
wharf:wharves wife:wives woe:woes wolf:wolves
"""

# words of the noun that keep their -s, and others that look like a plural and are none
SINGULARS = """
abdomen acoustics aerobics aerodynamics agenda alibi alms amends annals arthritis asbestos athletics axis
barracks basis bellows belongings bikini billiards binoculars blinders bloomers blues bonsai bowels briefs
broccoli bronchitis brussels cannabis canvas chaos chapati chassis checkers chili christmas clitoris clothes
confetti contents corgi cosmos crisis crossbones crossroads dais debris deli diabetes doldrums downstairs
dregs earnings eaves economics electronics entrails ethics ethos fives forceps fours french-fries fries
furnishings gallows gas genitals goggles goods gras grits grounds gymnastics handcuffs handlebars haves
headquarters hers hors hypnosis ibis innards iris jacuzzi jeans jodhpurs khaki kiwi knickers kohlrabi kudos
leftovers leggings lei lens linguistics logistics macaroni makings mantis marquis mathematics maxi means
measles mercedes metropolis molasses mumps news nuptials oasis oats odds oils olympics omen outdoors
outskirts overalls pajamas panties pants papers parenthesis pastrami pathos pelvis penis pepperoni pepsi
physics pliers politics polytechnics potpourri proboscis proceeds pyjamas quasi rabbi rabies ravioli regimen
remains rhinoceros riches rigatoni rights safari salami sari savings scissors seconds series shades shallows
shears shorts ski slacks smalls spaghetti species specifics specimen spectacles statistics supplies
surroundings suspenders taxi teens tennis thanks theatrics thermos this tights toiletries travels trellis
tropics trousers tsunami tweezers underclothes undies upstairs wares whereabouts whites workings writings
yeti yogi zucchini
"""
# plurals in -ies of a singular in -ie, plurals in -us of one in -u
IE = """
auntie birdie bogie boogie bookie brie brownie budgie calorie camaraderie collie cookie coterie cutie dearie
eaterie eyrie genie girlie goalie groupie hankie hippie junkie kiddie laddie lassie lie lingerie magpie
meanie menagerie mountie movie necktie nightie oldie patisserie pie pinkie pixie prairie premie quickie
reverie rookie rotisserie skiie smoothie softie sortie sweetie talkie tie townie untie walkie-talkie yuppie
zombie
"""
U = """
bayou caribou emu flu gnu guru haiku menu thou tofu tutu you
"""
