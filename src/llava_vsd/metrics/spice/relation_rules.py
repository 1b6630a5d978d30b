"""Which relation a child's head word bears to the head of its phrase: rules, tried from top to bottom.

A line reads: relation, categories of the phrase, categories of the child, and conditions on the child.
"""

CONDITIONS = """
adverb        .ADVP|RB^S|VP|SBAR|NP
asks_noun     .[@VB~={be} /NP !/NP[/EX]] <<WHNP
object        /NP~
object        /PP[/NP~] /IN|TO
bare          .[!/-IN|TO]
base_clause   /VP[/VB]
"""

RULES = """
punct         *        {mark}
goeswith      *        GW
discourse     *        NFP|INTJ
mwe           MWE      *
nmod:npmod    QP       NP[/JJS|RBS]  
case          NP       RB|IN=at  >JJS|RBS=least,most
# coordination
cc:preconj    NP       CC|DT|PDT={preconj}   >>CC <|CC|DT|PDT={preconj} !<<CC
cc:preconj    NP       CC={preconj}   <<NP[/CC]
cc:preconj    NP       CC={preconj}   >>NP[/CC] <<NP
cc:preconj    NP       CC={preconj}   <<CC !<|={preconj}
cc:preconj    NP       CC={preconj}   <<CC <<CC[<{content}]
cc:preconj    S|VP|PP|ADJP|ADVP|SBAR|UCP|SQ|SINV|SBARQ       CC={preconj}   >>CC !<<-{punct}
case          PP       CC         !<< >NP|NN
dep           *        CC={preconj}
cc            *        CC|CONJP
cc            S|VP|SBAR   RB=yet,so   <CC=and
conj          S|VP|SBAR   {phrase}  <RB=yet,so<CC=and
conj          {coordinated}   {phrase}|{content}  <CC|CONJP &after !&adverb
conj          ADVP|PP  RB   <CC|CONJP &after
conj          {coordinated}   {phrase}|{content}  <ADVP<CC|CONJP &after &after
conj          {coordinated}   {phrase}|{content}  <{comma} >>CC|CONJP &after
conj          {coordinated}   {phrase}|{content}  <{comma}<{phrase}<{comma} >>CC
conj          LIST     NN|NNP
conj          IN|TO    IN|TO
conj          {phrase}  RB=never,n't  <CC
acl           UCP      VP        ^[@NP]
# noun phrases
neg           {nominal}  DT=no            >>
det:predet    {nominal}  DT               >DT
cc:preconj    NP|UCP     DT={preconj}     >>CC|LIST !<<CC
det           UCP        DT               ^[@{noun}]
det           {nominal}|ADJP|NAC|ADVP  DT|WDT|WP  >>{nounlike}|JJ|JJS|VBG
det           NP         DT=all,both,each  <PRP
det           NP         DT               >{phrase}|PRP
det           X          DT               >>JJR|{noun}
cc:preconj    NP         PDT={preconj}    >>CC
det:predet    NP         PDT              >DT|NN|NNS|NP !>>CC
det:predet    NP         PDT              >DT
nmod:poss     *          PRP$|WP$
case          {nominal}  POS
case          {nominal}  VBZ='s
case          NP         VBZ='            >>{noun}
nmod:poss     {nominal}  {noun}|PRP       >POS
nmod:poss     {nominal}  {noun}|PRP       >VBZ='s
amod          {nominal}  JJ|JJR|JJS|VBG|VBN|ADJP|IN|WHADJP
amod          {nominal}  UCP[@JJ]
amod          ADJP       JJ|JJR ^[@JJ]
compound      {nominal}  CD               >>JJ  ^[@JJ]
nummod        {nominal}  CD|QP
compound      {nominal}  {noun}|NX|NML|LIST|FW   >>
conj          NP         FW=etc,ect       <<
nmod:poss     {nominal}  NP[/POS]         >>{noun}|NX|NML|NP|LIST
amod          {nominal}  NP[$JJ|VBN|VBG]  >>{noun}|NX|NML
compound      {nominal}  NP               >>{noun}|NX|NML|LIST|NP !&after
nmod:poss     NP         NP[/POS]         <<
nmod:npmod    NP         PRP={reflexive}  <NP|NNP
nmod:npmod    NP         NP[$NNS=days,months,years,weeks]    <NP[$=%]
amod          NP         NP[@CD !>|-NP]   <{comma}<NP[$NNP] !/{dollar}
nummod        NP         NP[@CD=19-]      <NP[$NNP]
appos         NP         NP               <{comma}<{phrase} !>CC
appos         NP         NP[$NNP]         <NP[$NN]  !>>
acl           {nominal}       VP[/VBG|VBN|VBD]
acl:relcl     NP         RRC
acl:relcl     ADVP       SBAR[/S/NP]  <ADVP
advcl         ADVP       SBAR         <ADVP
advcl         NP         SBAR[/IN=than]   <{phrase}
acl           NP         SBAR[/IN=after,before,since,until]  <{phrase}
acl           NP         SBAR[/S/VP/TO !/WHNP|WHADVP|WHPP]  <{phrase}
dep           NP         SBAR[/IN]        <{phrase}|{comma}
dep           NP         SBAR[/RB]        <{phrase}|{comma}
dep           NP         SBAR             !&after
dep           NP         SBAR[@SBAR]      <{phrase}|{comma}
acl:relcl     {nominal}       SBAR[/S|VP]             <{phrase}|{comma}
ccomp         {nominal}       SBAR
acl           {nominal}       S[/VP/TO]
neg           VP|S|SQ|PP|CONJP|ADJP|FRAG|SINV  RB|ADVP={never}   !^SINV/RB
neg           SBAR     ADVP={never}
dep           ADVP|SBAR|SINV|WHADVP  RB={never}
neg           NP       RB={never}
neg           NP|ADVP|ADJP  RB=no  !<CC
advmod        FRAG     RB|ADVP  >>VP|RB
dep           VP|S       ADVP[$FW]
dep           CONJP      ADVP
advmod        {advised}  RB|RBR|RBS|ADVP|WHADVP
advmod        {advised}  WRB  >>
advmod        ADVP     JJ|MWE      >>RB
advmod        ADVP     MWE
amod          QP       IN  >CD>CC
advmod        QP       IN|JJ|JJR|JJS|RB|RBR|RBS|MWE|DT  >>
nmod:tmod     -SQ|ADJP        NP-TMP
nmod:tmod     ADJP     NP-TMP[@{noun}={time}]
nmod:npmod    ADJP     NP-TMP
nmod:npmod    *        NP-ADV
nmod:npmod    ADJP     NP|NN     >>JJ|VBN
nmod:npmod    ADVP     NP[$-FW]
compound      ADJP     {hash}|CD  >>
amod          ADJP     NNP       ^[@JJ]
compound      ADVP     FW=-etc,ect        >>FW
conj          ADVP     FW=etc,ect
nummod        QP       CD        <{dollar}
compound      QP       {hash}|CD   >>
nummod        QP       QP        <{dollar}
amod          INTJ     JJ        >>NN
nmod:tmod     PP       NP[@{noun}={time} !/CC]  <NP
conj          PP|ADJP|VP|S|FRAG  FW=etc,ect
appos         FRAG     NP        <{comma}
parataxis     FRAG     S         <{colon}
parataxis     FRAG     FRAG      &after !<CC
appos         WHNP     NP        <{comma}
case          ADVP     IN
mark          PP|WHPP  IN|TO|MWE  >>S|SBAR
case          PP|WHPP  IN|TO|JJ|VBG|VBN|FW|MWE
expl          *        NP[$EX]
nmod:tmod     S        NP[@{noun}={time} !/CC]  >NP>>VP
nsubj         S|PRN    NP       >>VP
nsubj         S        NP       >>NP|ADJP ^S^VP
nsubj         SBARQ    NP       <VB~={be}
nsubj         SQ       NP       >>VP|ADJP
nsubj         SQ       NP       <VB~={be}
dobj          SQ[@VB~=-{be}]       NP       ^<WHNP !>NP
dep           SQ       NP       ^<NP
nsubj         SQ[@VB~] NP       <VB~ !^<WHNP
nsubj         SQ[@VB~] NP       <RB !^<WHNP
nsubj         SQ       NP       <NP[/EX]
dep           SQ       NP
nsubj         SINV     NP       <MD|VBZ|VBD|VBP|VB|VP
nsubj         SINV     NP       <{adverbial}<VBZ|VBD|VBP|VB|VP
nsubj         SINV     NP       <NP >VP ^[@NP]
nsubj         SINV     NP       >VP !<<NP
aux           SINV     VP[@VB~={auxiliary} !/NP|PP|ADJP|VP]   ^@VP
cop           SINV     VP[@VB~={be} !/NP|PP|ADJP|VP]   ^@NP
advcl         SBARQ    S        ^@WHNP
nsubj         VP       NP      <{be_verb}={be} ^<<NP[/EX]
auxpass       VP|SQ|SINV   VB~={pass}   >>VP[@VBN|VBD]
auxpass       VP|SQ|SINV   VB~={pass}   >>VP[@VP[@VBN|VBD] !/VB~]
auxpass       VP|SQ|SINV   VB~={pass}   >>ADJP[$VBN|VBD]
aux           VP|SQ|SINV   MD
cop           VP|SQ|SINV   VB~={be}  >>NP|ADJP|PP|UCP|WHNP
cop           SBARQ    VB~={be}  ^@WHNP
aux           SQ       VB~  >>VP|ADJP
aux           VP|SQ|SINV   VB~={auxiliary} >>VP
mark          VP       TO
mark          S[@TO]   TO
mark          SBAR     IN|DT|MWE  >>S
nmod          NP~|NX|NML|WHNP|VP|ADJP|ADVP|SINV|SQ|FRAG|UCP|X|NAC  PP[&object]
case          VP|ADJP  PP[@IN|TO]   ^^SBARQ|SBAR/WHNP   ^^S|SQ[/NP]<WHNP  -> ^^SBARQ|SBAR/WHNP
nmod          VP|ADJP  PP[&bare]
nmod          S|SINV         PP[&object]  >>VP
nmod          S|SINV         PP[&bare]  >>VP
nmod          S|SQ           PP[@PP>CC|{comma}|ADVP]  >>VP
nmod          PP|SBARQ       PP
nmod          NP~|VP|ADJP|ADVP|FRAG    PP[@PP>CC]
acl           NP~|NX|NML|WHNP       PP
advcl         VP|ADJP|SQ|ADVP    PP[!&bare !/PP]
advcl         VP|S|ADJP|SQ|ADVP    PP[/VBG|RB|NN|JJ @PP]
advcl         S    PP[!/NP|PP !&bare]
compound:prt  VP       PRT|RP
compound:prt  ADJP     RP
parataxis     VP       NP       <{colon}
nmod:tmod     VP|SQ|SINV|SBARQ    NP|WHNP[@{noun}={time} !/CC]   !>>NP-TMP
ccomp         VP       SBAR[/IN=that,whether !/IN=-that,whether]
advcl         VP       SBAR[/IN|MWE !/SBAR]
advcl         VP       SBAR[@SBAR[/IN=-that,whether]]
xcomp         VP       SBAR[/WHADVP /S/VP/TO]
advcl         VP       SBAR[/WHADVP=when,where /S]  !<NP
advcl         VP       SBAR[/WHADVP !/S]
dep           VP       SBAR     <NP  !^$={tell}
dep           VP       SBAR[@SBAR /{comma}|{colon}]
ccomp         VP       SBAR|SBARQ
xcomp         VP       S[/VP/TO]    <<NP ^$={tell}
advcl         VP       S[/VP/TO]    <<NP
xcomp         VP       S[/VP/TO]
parataxis     VP       S[!/VP/VB|VBZ|VBP|VBD !@PP]  <{colon}
advcl         VP       S[/VP[/VBG|VBN]]  <{comma}<NP
advcl         VP       S[/VP/VBG]   ^/VBG
xcomp         VP       S[/VP/VBG !/NP]
xcomp         VP       S[@ADJP|NP|S]
nmod          VP       S[@PP]
dep           VP       S[/VP/VBN !/NP]
dep           VP       S[/VP/VBG /NP]
dep           VP       S            <<NP !^$={tell}
dep           VP[!@VB~|NN]       S
ccomp         VP       S
xcomp         VP       VP[/VB|VBG]       <VB~
xcomp         VP       ADJP
xcomp         VP       UCP[$JJ|JJR]
dobj          VP       UCP[@{noun}|NP]
xcomp         VP       WHNP  ^$={become}
xcomp         ADJP     S[/VP/TO]
ccomp         ADJP     SBAR
xcomp         VP       NP  <<VB~={become}
iobj          VP       NP      >NP !>>NP-TMP
dobj          VP|SQ    NP|WHNP
parataxis     S        S        <S|PRN|{colon}
parataxis     S        S        <RB !<<CC
advcl         S        SBAR     >{comma}|NP|INTJ|ADVP
csubj         S        SBAR|S   >VP
advcl         S        S[@VP/TO]          >{comma} >>VP
advcl         S        S[@VP/VBG|VBN]  >{comma} >>VP !<{quote}
dep           S        S[@VP/VBG|VBN]  <{quote}
ccomp         S        S        >{comma} >>VP
csubj         S        SBAR|S   >>VP !>NP
nmod:tmod     SBARQ       WHNP[@{noun}={time} !/CC]  >>SQ[/NP]
nsubj         SBARQ       WHNP  >>SQ[@VB~ !/S|SINV]
nsubj         SBARQ       WHNP  >>SQ[@VP|ADJP !/NP]
nmod          SBARQ       WHNP  >>SQ[/NP @VP|ADJP[/PP[@IN|TO]]]
nsubj         SBARQ       WHNP  >>SQ[@ADJP /VB~=-{be}]
dobj          SBARQ       WHNP  >>SQ[/NP @VP[/S/VP/TO]]    -> >>SQ@VP/S[/VP/TO]
dobj          SBARQ       WHNP  >>SQ[/NP @VP|ADJP]
nsubj         SBAR        WHNP  >>S[@VP !/NP]
advmod        SBAR        WHNP[/WRB]  >VP
nsubj         SBAR        WHNP  >>VP
nmod          SBAR|SBARQ  WHPP
nmod          WHNP     WHPP[/WHNP|NP]
acl           WHNP     WHPP  &after
nmod          SBAR        WHNP  >>S[/NP @VP@VP[/PP[@IN|TO]]]
dobj          SBAR  WHNP
"""
