"""The relations of clauses: the table of `relation_rules.py` goes on here.

A line reads as there. Subjects, objects and complements, auxiliaries, clauses under clauses, questions.
"""

RULES = """
# prepositions
case          ADVP      IN
mark          PP|WHPP   IN|TO|PREP|MWE|JJ >S[!@VP@NN|NNS]
mark          PP|WHPP   IN|TO|PREP|MWE|JJ >SBAR
dep           PP        VBG       >PP[@S]
case          PP|WHPP   IN|TO|PREP|JJ|VBN|MWE
case          PP|WHPP   VBG       !<
# subjects
expl          S|PRN     NP[&expletive]
dobj          S         NP        >>VP/TO ^S^VP  -> ^S^VP
nmod:tmod     S         NP[@{noun}={time} !/CC] >NP>>VP
nsubj         S         NP        >>NP ^S^VP
nsubj         S         WHNP      >VP
nsubj         S         NP        <VP[/VB~={pass} /VP[/VBN|VBD]]
nsubj         S         NP        >ADJP ^S^VP
nsubj         SBARQ     NP        ^/VB~={be} <<WHNP/WP
dobj          SQ[@VB~=-{be}] NP[&expletive] ^<WHNP !>>NP
expl          SQ        NP[&expletive]
nsubj         S|PRN|SQ  NP        >>VP
nsubj         SQ        NP        >>ADJP <VB~={be}
dep           SQ[@ADJP] NP        >>ADJP ^<NP
dep           SQ[@ADJP] NP        >>ADJP !^/VB~
dobj          SQ[@ADJP] NP        >>ADJP ^<WHNP[!$={time}]
dep           SQ[@ADJP] NP        >>ADJP ^<WHNP
nsubj         SQ        NP        <VB~={be}
dobj          SQ[@VB~=-{be}] NP        ^<WHNP <NP[/EX]
nsubj         SQ        NP        <NP[/EX]
nsubj         SQ[@VB~]  NP        <RB !^<WHNP
nsubj         SQ[@VB~]  NP[@{noun}={time} !/CC] <RB
dep           SQ[@VB~=-{be}] NP[@{noun}={time} !/CC] ^<<WHNP
dobj          SQ[@VB~=-{be}] NP        ^<<WHNP !>NP[!$={time}]
dep           SQ        NP        ^<NP
nsubj         SQ        NP        <VB~ !^<WHNP
dep           SQ        NP
nsubj         SINV      NP        <MD|VBZ|VBD|VBP|VB|VP
nsubj         SINV      NP        <{adverbial}<VBZ|VBD|VBP|VB|VP[$-VBG]
nsubj         SINV      NP        >VP ^[@NP]
nsubj         SINV      NP        >>VP !<<NP|VB~ !>>NP
ccomp         SINV      S[!/VP/VBN|VBG] >{comma}
auxpass       SINV      VP[//VB~={pass}] ^@VP@VBN|VBD
aux           SINV      VP[@VB~={be} !/NP|PP|ADJP|VP] ^@VP/VB~
cop           SINV      VP[/VB~={be}] ^@NP
nmod          SBAR      PP[!@MWE] >>S
nmod          SBAR      PP        <<S
advcl         S|SINV|SQ WHPP[!@NP]
advcl         VP        WHPP[@PRP|S]
nmod          {phrase}  WHPP[@NP] &after
acl           {nominal} WHPP[!/WHNP|NP]
advcl         SBARQ     SBAR[/IN|MWE !/RB|ADVP] >>SQ
advcl         SBARQ     S[/VP]    ^@WHNP
iobj          VP        NP[/NP[&after <NP|INTJ]] <<VB~={become} &after
iobj          VP        NP[/NP[&after <NP|INTJ]] <<{be_verb}={be} ^<<NP[&expletive]
iobj          VP        NP[/NP[&after <NP|INTJ]] <{colon}<NP
nmod:tmod     VP        NP[@{noun}={time} !/CC] <<{be_verb}={be} ^<<NP[&expletive]
nsubj         VP        NP        <<{be_verb}={be} ^<<NP[&expletive] !>NP !^@VBN
nsubj         VP        NP        <{colon} <<NP ^<<NP[&expletive]
nsubj         VP        NP        >{be_verb}={be} ^<<NP[&expletive]
nsubj         VP        NP        ^VP[!&head]^VP<<NP[&expletive]  -> ^VP^VP
nsubj         VP        NP        ^VP^VP[!&head]^VP<<NP[&expletive]  -> ^VP^VP^VP
nsubj         VP        NP        ^VP[!&head]^VP^VP<<NP[&expletive]  -> ^VP^VP^VP
# auxiliaries, copulas, marks
auxpass       SQ        VB~={be}  >>VP[/VBN|VBD]
auxpass       VP|SINV   VB~|POS={pass} >>VP[/VBN|VBD]
auxpass       VP|SINV   VB~={pass} >>VP[/VP[@VBN|VBD] /CC !/VB~|MD|TO|NP]
auxpass       VP        VB~={be}  >>ADJP/VP[<CC /VBN|VBD]
auxpass       VP        VB~={pass} >>ADJP/ADJP@VBN
auxpass       VP        VB~={pass} >>ADJP/VBN|VBD
aux           VP|SINV   MD
aux           SINV      VB~       >>VP ^[@VP]
cop           SINV      VB~={be}  ^[@ADJP] >>ADJP
cop           SINV      VB~={be}  <ADVP ^[@NP] >NP
aux           SQ        MD        !&after
conj          WHNP      WP|WDT|WRB <CC
aux           VP        VB~={auxiliary} <CC >>VP
conj          VP        VB~       <CC|CONJP[<]
conj          VP        RP        <CC
cop           VP|SQ     VB~={be}  ^[@NP|ADJP|PP|UCP|WHNP|NAC|SINV] !<<NP|ADJP|UCP !^@PP>>VB~
cop           VP        VB~={be}  >>NP|ADJP|PP|UCP
cop           SBARQ     VB~={be}  <<WHNP/WP
aux           SQ        VB~       >>VP|ADJP
auxpass       VP        VB~={be}  <VP[@VBN|VBD]
aux           VP        VB~={auxiliary} <VP
aux           VP|SQ     VB~|POS={auxiliary} >>VP
mark          VP        TO        ^[@VP|VB~]
aux           VP        POS       ^[@VP]
case          SBAR      IN        >IN>S[/NP] ^[^NP]
mark          SBAR      IN|DT|MWE >>S|FRAG
mark          SBAR      IN=that   >>SINV
mark          SBAR      IN=that,whether &after
# phrases with a preposition
nmod          NP~|NX|NML|WHNP PP[@PP[/NP~ /IN]] &after
nmod          NP~       PP[/PREP @PP/NP~]
nmod          NP~       PP[@NML]
dep           SQ        PP[@PP &object !/PP/NP~]
nmod          NP~|NX|NML|WHNP|VP|ADJP|ADVP|SQ|FRAG|UCP|X|NAC|RRC|PRN PP[&object]
nmod          VP|ADJP|ADVP|SQ|FRAG|UCP|X|NAC PP[&nested]
case          VP        PP[@IN|TO] <<ADJP/PP  -> <<ADJP/PP
case          VP        PP[@IN|TO] <<PP[!&head /NP]  -> <<PP[!&head /NP]
case          VP        PP[@IN|TO] <PP[!&head @IN|TO]  -> <PP
case          VP        PP[@IN|TO] <<PP//PP  -> <<PP//PP
case          VP        PP[&bare] ^^S/PP[/IN|TO|PREP /NP]  -> ^^S/PP[/IN|TO|PREP /NP]
case          VP|ADJP   PP[@IN|TO] ^^SBARQ|SBAR/WHNP ^^S[/NP]<WHNP  -> ^^SBARQ|SBAR/WHNP
case          VP|ADJP   PP[@IN|TO] ^^SQ[/VB~|MD]<<WHNP !^<CC  -> ^^SBARQ/WHNP
nmod          VP|ADJP   PP[&bare]
nmod          S[@VP|S]  PP[&object]
nmod          S[@VP|S]  PP[&bare]
nmod          S[@VP|S]  PP[@PP !/VB~|RB|NN|JJ|RP|FW]
nmod          SINV      PP[!@S|SBAR] ^[@VP]
nmod          SBARQ     PP        !&after
dep           PP        PP        <IN|VBG
nmod          PP        PP
nmod          FRAG      PP[/PP/NP~]
dep           NP~|NX|NML|WHNP PP[@PP !/-PP|CC|CONJP|ADVP|{comma}]
acl           NP~|NX|NML|WHNP PP
dep           VP        PP[@SINV|CONJP]
dep           {phrase}  PP[/CC @-PP]
advcl         VP|S|ADJP|SQ|ADVP PP[@-PP !&bare !/NP~]
advcl         VP|S|ADJP|SQ|ADVP PP[@PP /VB~|RB|NN|JJ|RP|FW]
# objects, complements, clauses
compound:prt  VP        PRT|RP
compound:prt  ADJP      RP
nmod:tmod     VP        NP[@{noun}={time} !/CC] <{colon}
nmod:tmod     VP        NP[@{noun}={time} /DT /CC[!>>CC !<<CC]]
nmod:tmod     VP        NP[@NP[!> !<]/{noun}={time}[&head] !@NP/CC>>CC]
parataxis     VP        NP        <{colon} <<NP
nmod:tmod     VP        NP[@{noun}={time} !/CC[>]] !>>NP-TMP !>NP={time}[!/CC]
dep           VP        WHNP[@{noun}={time} !/CC]
dep           VP        SBAR[/IN=that,whether[!<] !/VP|S|SBAR|SINV|SQ]
dep           VP        SBAR[/IN=that,whether[!<] /S[!/VP|S]]
ccomp         VP        SBAR[/IN=that,whether !/IN=-that,whether]
advcl         VP        SBAR[/IN|MWE !/SBAR]
advcl         VP        SBAR[/IN|MWE=-that,whether /SBAR]
advcl         VP        SBAR[@SBAR /SBAR/IN|MWE=-that,whether]
xcomp         VP        SBAR[/WHADVP /S/VP/TO] <NP
xcomp         VP        SBAR[/WHADVP=-how /S/VP/TO]
dep           VP        SBAR[/WHADVP[!/WRB] /S]
advcl         VP        SBAR[/WHADVP=when,where,whenever,wherever,why[>>S]] !^$={know}
advcl         VP        SBAR[//WHADVP=when,where,whenever,wherever,why[$WRB] !/S]
advcl         VP        SBAR[/WHADVP=-how /S[!/NP !/VP/TO]]
advcl         VP        SBAR[//WHNP/WRB !/S|VP]
advcl         VP        SBAR[//SINV !/IN]
dep           VP        SBAR      <<NP !^$={tell}
dep           VP        SBAR[/WHADVP=how] <<NP
dep           VP        SBAR[@SBAR /{comma}|{colon}]
dep           VP        SBAR[@SBAR /CC[!<]]
dep           VP        SBAR[!/S|SBAR|SINV|FRAG]
dep           VP        SBAR[/S[@S|NP] !/WHADVP]
dep           VP        SBAR[/S[!/VP|S|ADJP] !/WHADVP]
dep           VP        SBAR[@SBAR !/CC|CONJP|{comma}|{colon}]
xcomp         VP        S[/VP/TO[!<VP]] <<NP ^$={control}
advcl         VP        S[/VP/TO[!<VP]] <<NP
xcomp         VP        S[/VP/TO[!<VP]]
parataxis     VP        S[!/VP/VB|VBZ|VBP|VBD !/VP/VP/VB|VBZ|VBP|VBD !@PP] <{colon}
advcl         VP        S[/VP[/VBG|VBN]] <{comma}<NP
advcl         VP        S[/VP/VBG] <{comma}<PP<{comma}<NP
advcl         VP        S[/VP/VBG] ^/VBG
xcomp         VP        S[/VP[/VBG[!<]] !/NP]
xcomp         VP        S[@ADJP|NP|S|SBAR]
nmod          VP        S[@PP !/{quote}]
xcomp         VP        S[!/VP|S|SBAR]
xcomp         VP        S[/NP>NP>VP/VB~[&head !.VB]]
dep           VP        S[/VP/VBN[!<] !/NP[/PRP !/DT]]
ccomp         VP        S[/NP]    <<NP <<VB~={have}
dep           VP        S[/VP/VBG[!<] /NP] !^$={have}
dep           VP        S         <<NP
ccomp         VP        SBAR|SBARQ|S
nmod:tmod     VP        VP[@NP-TMP]
xcomp         VP        VP[/VB|VBG] <VB~ !^<<NP[&expletive]
xcomp         VP        ADJP
xcomp         VP        WHNP      ^$={become}
xcomp         ADJP      S[/VP/TO[!<]]
dep           ADJP      SBAR[/IN=as>S]
ccomp         ADJP      SBAR[/S]
nsubj         VP        NP        <<VB~={become} ^<<NP[&expletive]
iobj          VP        NP        <<VB~={become} >NP
xcomp         VP        VP|NP     <<VB~={become}
xcomp         VP        NP        >VB~={become}
dep           VP        NP[/{possessive}] >NP
iobj          VP        NP        >NP=-{time}
iobj          VP        NP        >NP[/CC]
dep           VP        NP        <VB~={be} !&after
dep           VP[@NP]   NP        <<VB~={be}
dep           SQ[@VB~={be}] WHNP
dep           VP        NP|WHNP   ^[@VB~={be}] &after
dep           VP        NP        >VB~={be}
dep           SQ        WHNP      !&after
conj          VP        NP[/FW=etc,ect[!<]]
dobj          VP|SQ     NP|WHNP
ccomp         S         S         >>{unquote} &after
ccomp         S[@VP]    S[/NP]    &after <NP|PRP|{comma} !<<CC !>>CC
parataxis     S[@S]     S         !>>CC !<<CC[<] &after
parataxis     S         S         <S|PRN|{colon} !>>CC
csubj         S         SBAR[/WHADVP/WRB=how] >VP !<<NP
dep           S         SBAR      <NP >VP
advcl         S         SBAR[/WHADVP[!&head !<ADVP|SBAR]] !&after
advcl         S         SBAR[@SBAR/WHADVP] !&after
advcl         S         SBAR[/WHNP/WRB /VP] >>VP
csubj         S         SBAR      >VP !<<NP !>>NP|NP-TMP
csubj         S         S         >VP !<<NP
dep           S         SBAR[/RB>IN=that] >{comma}>VP
advcl         S         SBAR      !&after
advcl         S         S[@VP/TO] >{comma} >>VP
advcl         S         S[@VP/VBG|VBN] >{comma} >>VP !<{quote}|NP
advcl         S         S[@VP/VBG|VBN] <{comma}<NP >VP
dep           S         S[@VP/VBG|VBN] <{quote}
dep           S         S[@VP$VBG] >{comma} >>VP
ccomp         S         S         >{comma}|{unquote} >>VP
csubj         S         SBAR|S    >>VP !>>NP !<<NP
# what is asked for
nmod:tmod     SBARQ     WHNP[@{noun}={time} !/CC] >>SQ[/NP~]
nmod          SBARQ     WHNP      >>ADJP/PP[@IN|TO]
dobj          SBARQ     WHNP      >>ADJP >VB~>NP
nsubj         SBARQ     WHNP      >>ADJP
dep           SBARQ     WHNP[/WRB] >>SQ[@VB~={be} /NP !/NP[$EX] !/PP]
dobj          SBARQ     WHNP      >>SQ[@VB~={be} /NP !/NP[$EX] !/PP]
dobj          SBARQ     WHNP      >>SQ[@VB~={be} /NP-ADV|ADJP]
dobj          SBARQ     WHNP      >>SQ[@VB~={tell} /S]
nsubj         SBARQ     WHNP      >>SQ[@VB~ !/SINV]
dobj          SBARQ     WHNP[!//{wh}] >>SQ[@ADJP /VB~={be} !/NP]
nsubj         SBARQ     WHNP      >>SQ[@ADJP /VB~ !/NP|RRC]
nmod          SBARQ     WHNP      >>SQ[@VP|ADJP[/PP[@IN|TO]] /VB~|MD]
nsubj         SBARQ     WHNP      >>SQ[@VP>NP]
nsubj         SBARQ     WHNP      ^/SQ[@ADJP /VB~=-{be}]
nsubj         SBARQ     WHNP      ^@SQ[@VP !/NP]
dobj          SBARQ     WHNP      &after ^@SQ[@VP|ADJP]
dobj          SBARQ     WHNP      &after ^@SQ@VB~
dep           SBARQ     WHNP[@WRB]
dobj          SBARQ     WHNP[/WP] >>SQ[/NP @VP[@VB~ !/NP /S/VP/TO]]  -> >>SQ@VP/S[/VP/TO]
dobj          SBARQ     WHNP[/WP] >>SQ[/NP @VP={tell}[/S/VP/TO]]  -> >>SQ@VP/S[/VP/TO]
dep           SBARQ     WHNP      >>SQ[/NP @VP/S/VP/TO]
dobj          SBARQ     WHNP      >>SQ[/NP @VP|ADJP /VB~={be}]
dobj          SBARQ     WHNP      >>SQ[/NP @VP[!/NP]]
dobj          SBARQ     WHNP      >>SQ[@SINV]
dobj          SBARQ     WHNP      >>SQ|S[/SQ|S[/NP @VP[!/NP]]]
dobj          SBARQ     WHNP      >>SQ[@SQ[@VB~={be}]]
dobj          SBARQ     WHNP      >>SQ[@SQ@SQ/VB~]
dobj          SBARQ     WHNP      >>SQ[/NP @VP={tell}/S@S]
nsubj         SBARQ     WHNP      >>S[@VP/SBAR/S]  -> >>S@VP/SBAR/S
dobj          SBARQ     WHNP      >VB~={be}>RB>NP
dobj          SBARQ     WHNP      >>SINV
dobj          SBARQ     WHNP      >>S[/NP @VP[!/NP]]
advmod        SBAR      WHNP[/WRB] >VP
advmod        SBAR      WHNP[/WRB] >S[@VP !/NP]
nsubj         SBAR      WHNP      >>S[@VP !/NP]
nsubj         SBAR      WHNP      >>VP
nsubj         SBAR      WHNP      <VP
nsubj         SBAR      WHNP      <S[@VP !/NP]
nmod          SBAR|SBARQ|WHPP WHPP
nmod          {nominal} WHPP[/WHNP|NP]
nmod          SBAR      WHNP      >>S[/NP]$^VP|ADJP/PP[@IN|TO]
dobj          SBAR      WHNP      >>S[@VP/S[@S|VP !/NP !/VP/TO]]  -> >>S@VP/S
dobj          SBAR      WHNP      >>S[@VP]
"""
