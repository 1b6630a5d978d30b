"""Which relation a child's head word bears to the head of its phrase: rules, tried from top to bottom.

A line reads: relation, categories of the phrase, categories of the child, and conditions on the child.
"""

CONDITIONS = """
adverb        .ADVP|RB^S|VP|SBAR|NP
asks_noun     .[@VB~={be} /NP !/NP[/EX]] <<WHNP
object        /NP~
object        /WHNP
object        /PP//NP~ /CC
nested        @PP /PP/NP~ !/VB~|RB|NN|JJ|RP|FW
bare          .[!/-IN|TO]
expletive     /EX
expletive     /NP/EX
expletive     /NP/NP/EX
expletive     /NP/NP/NP/EX
expletive     /NP/NP/NP/NP/EX
lone_noun     /NN|NNS[!< !>]
"""

RULES = """
punct         *        {mark}
goeswith      *        GW
conj          NP|S     INTJ  <CC &after
conj          NP         PRT   <CC
discourse     *        NFP={emoticon}
punct         *        NFP
discourse     *        INTJ
mwe           MWE      *
mwe           IN       RB
nmod:npmod    QP       NP[/JJS|RBS]
case          NP       RB|IN=at  >JJS|RBS=least,most
# coordination
dep           S|SINV|SBAR[@PP|RB] {phrase}  <CC|CONJP &after
dep           SBAR[@ADJP] {phrase}  <CC|CONJP &after
conj          ADVP     ADVP[/FW=etc,ect]
advmod        ADVP     ADVP      ^[@CC]
cc:preconj    NP       CONJP[/RB=not /RB=only,just,merely]  ^/CONJP|CC
cc:preconj    NP       CC={preconj}   !< >>CC
cc:preconj    NP       CC={preconj}   <<CC[<-{punct}] >-DT|NP
cc:preconj    NP   CC={preconj}   <<NP|LIST[/CC] !>DT
cc:preconj    NP       CC={preconj}   >>NP[/CC]
cc:preconj    S|VP|PP|ADJP|ADVP|SBAR|UCP|SQ|SINV       CC={preconj}   >>CC !<<-{punct}
case          PP       CC         !<< >NP|NN
cc:preconj    NP-ADV  CC={preconj}   <<NP[/CC]
cc:preconj    NP-ADV  CC={preconj}   >NP[/CC]
cc:preconj    NP-ADV  CC={preconj}   !< >>CC
cc:preconj    S       CC={preconj}   >VP|S>>CC
cc:preconj    VP      CC={preconj}   >PP>>CC
cc:preconj    VP      CC={preconj}   <VB~ >VB~|VP>>CC
cc:preconj    ADVP    DT={preconj}   ^[@CC]
cc:preconj    PP      DT={preconj}   >PP>CC
cc:preconj    SBAR    CC={preconj}   <WHNP >>CC
cc:preconj    NML|ADVP  CC={preconj}   >>CC !<<CC
conj          -NP      CC={preconj}  <CC &after
dep           *        CC={preconj}
cc            *        CC|CONJP
acl           NP       VP[@VB~]        <CC &after ^[@NP~]
acl:relcl     NP       RRC       <CC &after
discourse     {phrase}        PRN[@INTJ !/-INTJ|{punct}]
advcl         VP|ADJP  PP  <CC<PP[@S|SBAR]
case          PP|ADVP  IN|TO   <CC|CONJP
conj          {coordinated}   {conjunct}|{content}  <CC|CONJP[<] &after !&adverb
conj          {coordinated}   {conjunct}  <{quote}<CC|CONJP &after
conj          ADVP|PP|NX  RB   <CC|CONJP &after
conj          QP       RB   <CC &after
conj          {coordinated}   {conjunct}|{content}  <ADVP|PRN[!&head]<CC|CONJP &after
conj          {coordinated}   {conjunct}|{content}  <{comma} >>CC|CONJP &after
conj          VP|S     ADVP[$FW=etc,ect]  <{comma}|CC &after
conj          S        S         <{comma}={slash}<S
conj          S        NP        <{comma}={slash}<NP
conj          SQ       {noun}    <{comma}={slash}<{noun}
conj          VP       VP        <{comma}={slash} ^/VP
conj          SBAR     SBAR      <{comma}={slash}<SBAR
conj          SQ       SQ|NP     <{comma}={slash}<{phrase} &after !^[@ADJP]
conj          -NP|NP-CJ|NP-TMP|NP-ADV|NX|NML|WHADVP  {conjunct}|{noun}|DT|JJ|IN|POS|NP-ADV  <CC|CONJP[<] !&after !.ADVP
conj          NP       DT|NP-TMP  <CC[<] !&after
conj          PREP     IN|TO
conj          {phrase}  RB=never,n't  <CC
conj          SBAR      RB=not  <CC
# noun phrases
neg           ADVP        DT=no  >>
conj          NP     ADVP[/FW=etc,ect]
det:predet    {nominal}  DT               >DT ^[@-DT] !>>CC !&after
det:predet    NP         DT               >{possessive}
neg           {nominal}  DT=no            >>
cc:preconj    NP     DT={preconj}     >>CC|LIST
cc:preconj    NP         DT|PDT={preconj} !<  ^NP[!<<CC]>>NP-CJ
cc:preconj    NP         DT={preconj}     >NP[@{noun}]
dep           NP         DT       >NP>CC ^[@NP]
dep           NP         DT       >>CC>JJ ^[@JJ]
cc:preconj    VP       DT={preconj}     >>CC
cc:preconj    ADJP       DT={preconj}     >>CC
cc:preconj    ADJP       DT=either,neither     ^[>CC]
cc:preconj    SBAR       DT={preconj}     >>CC
neg           ADJP       DT=no               >>CC
dep           ADJP       DT               >>CC
dep           NAC|NML  DT={preconj}
neg           NAC      DT=no
amod          NAC      JJ|ADJP
amod          NAC      IN  >>
compound      NAC      {noun}  >JJ|CD|NN|CC
compound      NP       AFX  >>
dep           NP~        DT=-both,either,neither              >POS
neg           ADJP           DT=no  >>JJ
dep           NP       DT  >CC>DT
dep           NP       DT=-no  <NN >VBG
dep           NP       WDT >NX
det           {nominal}|ADJP|NAC|ADVP  DT|WDT|WP  >>{nounlike}|JJ|JJS|JJR|VBG|CD
det           NP  DT  >>RB|QP
det           NP  DT=-neither  >>FW
det           NP         DT=all,both,each  <PRP[!<] !>DT|HYPH
det           NP         DT               >{phrase} !>PP|VP|ADVP
det           NP~        DT=-neither      >PRP
det           X          DT=-no >ADJP
det           X          DT=-no,both,either,neither               >JJR|{noun}
cc:preconj    NP         PDT={preconj}    >>CC
det:predet    NP         PDT              >DT|{possessive} !>DT[&head]> !>>CC !<<DT
det:predet    NP         PDT              >|DT !>>CC !<<DT
nmod:poss     -PP|VP|SBAR|S|FRAG        PRP$|WP$
case          {nominal}  POS
case          NP       VBZ='s
dep           {nominal}  {noun}|PRP       >POS=-{poss}
nmod:poss     {nominal}  {noun}|PRP       >POS
nmod:poss     {nominal}  {noun}|PRP       >-{noun}|NP>POS
nummod        NP         ADJP[@QP[@CD|NN|QP]]
dep           NP|INTJ    JJ  <CC[!<]
amod          {nominal}  JJ|JJR|JJS|VBG|VBN|ADJP|IN|WHADJP
amod          {nominal}  VBD
nmod          NP         UCP[@PP]  >>
amod          ADJP       JJ ^[@JJ] !>>CC !<CC
amod          ADJP       JJ ^[@NN] >JJ
amod          ADJP       JJ ^[@NN] <JJ
nummod        {nominal}  CD|QP
dep           NML        NML              >{comma}
dep           NP         {noun}           >NX
appos         NP         NNP     <{comma}<NNP >>
conj          NP         {noun}  <{comma} >>CC
dep           NP|NP-CJ   {noun}  <{comma} >>{noun} !>JJ
conj          NP         FW=etc,ect  >>NP|PRP
dep           NP         NML|NP|{noun}   >NML[&head]
dep           NP         NML   >{comma}>NML[&head]
conj          NX         NX    &after >>CC
dep           NX         NX    >>NX
compound      {nominal}  {noun}|NX|NML|LIST   >> !>JJR[&head]
compound      {nominal}  FW   >>{noun}|CD|FW
conj          NP         {conjunct}       >>FW=etc,ect <{comma}
nmod:poss     {nominal}  NP[/POS[!>]]         !>{comma}>NP !<<CC >>{noun}|NX|NML|NP|LIST
nmod:poss     {nominal}  NP[/NP[!> <CC]/POS[!>]]      >>{noun}|NX|NML|NP|LIST
dep           NP         NP[/POS[!>]]    >>
dep           NP         NP[/NP[!>]/POS[!>]]   >>
amod          {nominal}  NP[@JJ|JJR|VBN !@JJ[!< !>]]  >>{noun}|NX|NML
compound      {nominal}  NP               >>{noun}|NML|LIST|NP !&after
nmod:poss     {nominal}  NP[/POS]         << !<{comma} !<<CC
nmod:poss     NP         NP[/NP/POS /CC]         << !<{comma} !<<CC
compound      NP         NP               >>FW|JJ &after !<{comma}
nmod:npmod    NP         PRP={reflexive}  <<NP|NNP|NNS|PRP
nmod:npmod    NP         NP[/PRP={reflexive}[!< !>]]  &after !<CC|{comma}|X
nmod:npmod    NP         NP[$NNS=days,months,years,weeks]    <NP[$=%] !>
nummod        NP         NP[/CD[!< !>]]   <NP={months}[!/CD]
nummod        NP         NP[/CD[!< !>]]   <{comma}<NP={months}[/CD[!>]]
amod          NP         NP[/CD[!< !>]]   <{comma}
appos         NP         NP[@NNP !/-NNP]         <NP[$NN|CD]  !>
acl           {nominal}       VP[/VBG|VBN|VBD]  &after <<NX|NML|NP|PP|ADVP|ADJP|S|SBAR|VP|PRN|QP|LIST|CC|CD|{comma}|{quote}|{unquote}
acl:relcl     NP         RRC
acl:relcl     ADVP       SBAR[/S !/IN]  <ADVP={anywhere}
advcl         ADVP       SBAR         <ADVP|FW
ccomp         ADVP       SBAR[/WHNP !/FRAG]  ^[@RB|RBR]
ccomp         ADVP       SBAR[/IN=that /S/VP]
advcl         NP         SBAR[/IN=than /S[/NP /VP]]   <NP[/JJR]
acl           NP         SBAR[/IN=after,before,since,until !/S/EX !/-IN|S|ADVP|FW]  <NP|NX|NML|{comma}
dep           NP         SBAR[/{possessive}]   <{phrase}
acl           NP         SBAR[/S/VP/TO !/WHNP//WDT|WRB|{possessive} !/WHADVP|WHPP]  <{phrase}
acl:relcl     NP         SBAR[/IN=-that,whether,than[>>S] /S[/NP /VP[@VB~ !/NP !/PP[!//NP]]] !/CC]   <<{phrase}
acl:relcl     NP         SBAR[/IN=-that,whether,than[>>S] /S[/NP /VP@VP[@VB~ !/NP|VP]] !/CC]   <<{phrase}
dep           NP         SBAR[/IN]        <{phrase}|{comma}
acl:relcl     NP         SBAR[@SBAR //WHNP /SBAR/S|VP]      <{phrase}|{comma}
acl           {nominal}  SBAR[/S/VP/TO !/WHNP|WHADVP|WHPP|IN]
dep           NP         SBAR[/WHADVP=how]    <NP
dep           {nominal}  SBAR[/WHADVP[!//WRB]]    <{phrase}
acl:relcl     NP         SBAR[/WHADVP[!/CC]]   <NP ^[@{nominal}]
acl:relcl     {nominal}  SBAR[/S[@-NP !>{mark}] !/WHADVP=how[!<] !/WHADVP[!<]/CC]             <{phrase}|{comma}|FW ^[@{nominal}] &after
acl:relcl     {nominal}  SBAR[/VP[<]]             <{phrase}|{comma}|FW ^[@{nominal}] &after
acl:relcl     {nominal}  SBAR[/WHNP //{wh} !/S|VP]   <<NP
acl:relcl     {nominal}  SBAR[/WHNP /S[@NP]]   <<NP
ccomp         {nominal}  SBAR  ^[@{noun}|JJ|NX|NML|LIST]
nmod          NP|ADJP|SQ  S[@PP]
acl           {nominal}       S[/VP/TO]  &after ^[@{noun}|NP|NX|NML|PRP|CD]
conj          ADJP       RB={never} <CC
neg           VP|S|SQ|PP|CONJP|ADJP|FRAG|SINV  RB={never}   !^SINV/RB
neg           VP|S|SQ|ADJP|FRAG|SINV  ADVP={never}[@RB]
neg           SBAR     ADVP={never}
dep           ADVP|SBAR|SINV|WHADVP  RB={never}
neg           NP~      RB={never}
neg           NP|ADVP  RB=no   >>
neg           ADJP  RB=no  !<CC >>JJ|JJR
advmod        FRAG     RB|ADVP  >>VP|RB
dep           S        ADVP[/FW=etc,ect]
dep           VP       ADVP[/ADVP[/RB=at]>RB=once]  !>
conj          VP       ADVP[/FW=etc,ect]  &after !>
dep           VP       ADVP[/FW=etc,ect]
advmod        VP|S|NP|SBAR       ADVP[/RB[!< !>]]  <CC >{phrase} -> >{phrase}
dep           X        ADVP
dep           CONJP      ADVP
dep           ADVP     RB|RBR|{conjunct}   >CC
dep           CONJP    RBR|WRB
dep           X        RB
dep           PP[/PP|SBAR]  RB  &after
nmod          NP       ADVP[/IN=at>DT=all]  &after
mwe           ADVP       RBS|JJS=least  <RB|IN=at[&head]
case          ADVP       RB=at   >RBS|JJS
case          QP         IN=at   >JJS ^[^VP]
case          ADVP       RB=at   >DT=all
nmod          S          ADVP[@DT=all /RB=at]  !&after
dep           S          ADVP[@DT=all /RB=at]
dep           WHADVP   WHADVP &after
dep           QP       ADVP
dep           ADJP|SBAR|SINV  ADVP[/FW=etc,ect]  >>
advmod        {advised}  RB|RBR|RBS|ADVP|WHADVP
dep           WHADVP   WRB  &after
advmod        WHADVP   JJ  >>WRB
advmod        {advised}  WRB
advmod        ADVP     JJ|MWE      >>RB|NN
amod          QP       IN  >CD>CC
det           QP       DT  >NN|CD>CC
advmod        QP       PDT|IN|JJ|JJR|JJS|RB|RBR|RBS|MWE|DT
nmod:tmod     S        NP-TMP  >>NP >>VP
nmod:tmod     S        NP-TMP  <<NP >>VP
dep           S        NP-TMP
nmod:tmod     PP     NP-TMP  <NP<IN
dep           ADVP   NP-TMP  >>
nmod:tmod     -SQ|SBARQ|SINV|ADJP|FRAG|PP|INTJ|SBAR|NAC|NML|NX|QP|CONJP|WHNP|WHADVP        NP-TMP
nmod:tmod     ADJP     NP-TMP   &after
nmod:tmod     ADJP     NP-TMP[@NNP]
nmod:npmod    ADJP     NP-TMP
dep           S        NP-ADV
nmod:npmod    ADJP   NP-ADV  >JJ|JJR|RB[&head]
nmod:npmod    -SQ|SBARQ|SINV|FRAG|SBAR|ADJP|INTJ|NML|WHPP|X|QP      NP-ADV  !>CC[&head]
parataxis     VP       PRN[@S|SINV]
parataxis     VP       PRN[@SBAR /{comma}]
parataxis     VP       PRN[@VP /NP]  ^[@VP]
parataxis     S|X      PRN[@S|VP]  ^[@VP]
appos         NP       PRN[@NNP[&capitals]]
appos         NP|FRAG  PRN[@NP /{open}[!<] /{close}]
nmod          NP       PRN[@PP]
nmod:tmod     ADJP     NP[$NNP={time}]
nmod:tmod     ADJP     NP[$={time}]  &after
nmod:npmod    ADJP     NP|NN     >>JJ|JJR|RB[&head] !>JJ[!&head]
nmod:npmod    ADVP     NP[$-FW]  >RB~|JJ|JJR
nmod:npmod    ADVP     NP[$-FW]  ^[@RB~]
nmod:npmod    WHADVP|WHADJP  NP  >RB|IN
compound      ADJP     {hash}|CD
compound      ADJP     FW   >FW
amod          ADJP     NNP       ^[@JJ]
conj          ADVP     FW=etc
compound      ADVP     FW   >FW
conj          ADVP     FW=ect
compound      QP       CD        <{dollar} > !>>QP|CC
nummod        QP       CD        <{dollar}
compound      QP       {hash}
nummod        QP       CD   >CD>CC
compound      QP       CD   >>
compound      QP       {noun}   >>{noun}
compound      QP       CD        ^[@NN]
nummod        QP       QP        <{dollar}
amod          INTJ     JJ        >>NN
dep           INTJ[@CC]  JJ
amod          INTJ     JJ        <
nmod:tmod     PP       NP[@{noun}={time}]  <NP
conj          PP|ADJP|FRAG|QP|NP-TMP  FW=etc,ect
conj          {coordinated}  FW=etc,ect  &after
appos         FRAG     NP        <{comma}
nmod          FRAG     S[@PP]
appos         FRAG|NP  S         <{colon}<NP[&lone_noun]
parataxis     NP       S         <{colon}<NP[//NNP]
parataxis     FRAG     S         <{colon}
parataxis     FRAG     FRAG      &after !<CC
appos         {nominal} NP       <{comma}
case          ADVP     IN
mark          PP|WHPP  IN|TO|PREP|MWE|JJ  >S[!@VP@NN|NNS]
mark          PP|WHPP  IN|TO|PREP|MWE|JJ  >SBAR
dep           PP       VBG  >PP[@S]
case          PP|WHPP  IN|TO|PREP|JJ|VBN|MWE
case          PP|WHPP  VBG  !<
expl          S|PRN    NP[&expletive]
dobj          S        NP       >>VP/TO ^S^VP -> ^S^VP
nmod:tmod     S        NP[@{noun}={time} !/CC]  >NP>>VP
nsubj         S|PRN    NP       >>VP
nsubj         S        NP       >>NP ^S^VP
nsubj         S        WHNP     >VP
nsubj         S        NP       <VP[/VB~={pass} /VP[/VBN|VBD]]
nsubj         S        NP       >ADJP ^S^VP
nsubj         SBARQ    NP       ^/VB~={be} <<WHNP/WP
dobj          SQ[@VB~=-{be}] NP[&expletive]  ^<WHNP !>>NP
expl          SQ       NP[&expletive]
nsubj         SQ       NP       >>VP
nsubj         SQ       NP       >>ADJP <VB~={be}
dep           SQ[@ADJP] NP      >>ADJP ^<NP
dep           SQ[@ADJP] NP      >>ADJP !^/VB~
dobj          SQ[@ADJP] NP      >>ADJP ^<WHNP[!$={time}]
dep           SQ[@ADJP] NP      >>ADJP ^<WHNP
nsubj         SQ       NP       <VB~={be}
dobj          SQ[@VB~=-{be}] NP  ^<WHNP <NP[/EX]
nsubj         SQ       NP       <NP[/EX]
nsubj         SQ[@VB~] NP       <RB !^<WHNP
nsubj         SQ[@VB~] NP[@{noun}={time} !/CC]       <RB
dep           SQ[@VB~=-{be}] NP[@{noun}={time} !/CC]  ^<<WHNP
dobj          SQ[@VB~=-{be}] NP  ^<<WHNP !>NP[!$={time}]
dep           SQ       NP       ^<NP
nsubj         SQ       NP       <VB~ !^<WHNP
dep           SQ       NP
nsubj         SINV     NP       <MD|VBZ|VBD|VBP|VB|VP
nsubj         SINV     NP       <{adverbial}<VBZ|VBD|VBP|VB|VP[$-VBG]
nsubj         SINV     NP        >VP ^[@NP]
nsubj         SINV     NP       >>VP !<<NP|VB~ !>>NP
ccomp         SINV     S[!/VP/VBN|VBG]  >{comma}
auxpass       SINV     VP[//VB~={pass}]   ^@VP@VBN|VBD
aux           SINV     VP[@VB~={be} !/NP|PP|ADJP|VP]   ^@VP/VB~
cop           SINV     VP[/VB~={be}]   ^@NP
nmod          SBAR     PP[!@MWE]  >>S
nmod          SBAR     PP  <<S
advcl         S|SINV|SQ  WHPP[!@NP]
advcl         VP       WHPP[@PRP|S]
nmod          {phrase}  WHPP[@NP]  &after
acl           {nominal}  WHPP[!/WHNP|NP]
advcl         SBARQ    SBAR[/IN|MWE !/RB|ADVP]  >>SQ
advcl         SBARQ    S[/VP]  ^@WHNP
iobj          VP       NP[/NP[&after <NP|INTJ]]  <<VB~={become} &after
iobj          VP       NP[/NP[&after <NP|INTJ]]  <<{be_verb}={be} ^<<NP[&expletive]
iobj          VP       NP[/NP[&after <NP|INTJ]]  <{colon}<NP
nmod:tmod     VP       NP[@{noun}={time} !/CC]   <<{be_verb}={be} ^<<NP[&expletive]
nsubj         VP       NP      <<{be_verb}={be} ^<<NP[&expletive] !>NP !^@VBN
nsubj         VP       NP      <{colon} <<NP ^<<NP[&expletive]
nsubj         VP       NP      >{be_verb}={be} ^<<NP[&expletive]
nsubj         VP       NP  ^VP[!&head]^VP<<NP[&expletive] -> ^VP^VP
nsubj         VP       NP  ^VP^VP[!&head]^VP<<NP[&expletive] -> ^VP^VP^VP
nsubj         VP       NP  ^VP[!&head]^VP^VP<<NP[&expletive] -> ^VP^VP^VP
auxpass       SQ           VB~={be}     >>VP[/VBN|VBD]
auxpass       VP|SINV      VB~|POS={pass}   >>VP[/VBN|VBD]
auxpass       VP|SINV      VB~={pass}   >>VP[/VP[@VBN|VBD] /CC !/VB~|MD|TO|NP]
auxpass       VP           VB~={be}     >>ADJP/VP[<CC /VBN|VBD]
auxpass       VP           VB~={pass}   >>ADJP/ADJP@VBN
auxpass       VP           VB~={pass}   >>ADJP/VBN|VBD
aux           VP|SINV   MD
aux           SINV     VB~  >>VP ^[@VP]
cop           SINV     VB~={be}  ^[@ADJP] >>ADJP
cop           SINV     VB~={be}  <ADVP ^[@NP] >NP
aux           SQ        MD   !&after
conj          WHNP     WP|WDT|WRB  <CC
aux           VP       VB~={auxiliary}  <CC >>VP
conj          VP       VB~     <CC|CONJP[<]
conj          VP       RP      <CC
cop           VP|SQ   VB~={be}  ^[@NP|ADJP|PP|UCP|WHNP|NAC|SINV] !<<NP|ADJP|UCP !^@PP>>VB~
cop           VP      VB~={be}  >>NP|ADJP|PP|UCP
cop           SBARQ    VB~={be}  <<WHNP/WP
aux           SQ       VB~  >>VP|ADJP
auxpass       VP      VB~={be}   <VP[@VBN|VBD]
aux           VP      VB~={auxiliary}   <VP
aux           VP|SQ   VB~|POS={auxiliary} >>VP
mark          VP       TO  ^[@VP|VB~]
aux           VP       POS  ^[@VP]
case          SBAR     IN  >IN>S[/NP] ^[^NP]
mark          SBAR     IN|DT|MWE  >>S|FRAG
mark          SBAR     IN=that     >>SINV
mark          SBAR     IN=that,whether  &after
nmod          NP~|NX|NML|WHNP  PP[@PP[/NP~ /IN]]  &after
nmod          NP~|NX|NML|WHNP  PP[&object]
nmod          NP~              PP[/PREP @PP/NP~]
nmod          NP~              PP[@NML]
dep           SQ       PP[@PP &object !/PP/NP~]
nmod          VP|ADJP|ADVP|SQ|FRAG|UCP|X|NAC|RRC|PRN  PP[&object]
nmod          VP|ADJP|ADVP|SQ|FRAG|UCP|X|NAC  PP[&nested]
case          VP  PP[@IN|TO]   <<ADJP/PP -> <<ADJP/PP
case          VP  PP[@IN|TO]   <<PP[!&head /NP] -> <<PP[!&head /NP]
case          VP  PP[@IN|TO]   <PP[!&head @IN|TO] -> <PP
case          VP  PP[@IN|TO]   <<PP//PP -> <<PP//PP
case          VP      PP[&bare]  ^^S/PP[/IN|TO|PREP /NP] -> ^^S/PP[/IN|TO|PREP /NP]
case          VP|ADJP  PP[@IN|TO]   ^^SBARQ|SBAR/WHNP   ^^S[/NP]<WHNP  -> ^^SBARQ|SBAR/WHNP
case          VP|ADJP  PP[@IN|TO]   ^^SQ[/VB~|MD]<<WHNP  !^<CC -> ^^SBARQ/WHNP
nmod          VP|ADJP   PP[&bare]
nmod          S[@VP|S]  PP[&object]
nmod          S[@VP|S]  PP[&bare]
nmod          S[@VP|S]  PP[@PP !/VB~|RB|NN|JJ|RP|FW]
nmod          SINV      PP[!@S|SBAR]        ^[@VP]
nmod          SBARQ     PP        !&after
dep           PP        PP  <IN|VBG
nmod          PP        PP
nmod          FRAG             PP[/PP/NP~]
dep           NP~|NX|NML|WHNP  PP[@PP !/-PP|CC|CONJP|ADVP|{comma}]
acl           NP~|NX|NML|WHNP  PP
dep           VP       PP[@SINV|CONJP]
dep           {phrase}  PP[/CC @-PP]
advcl         VP|S|ADJP|SQ|ADVP    PP[@-PP !&bare !/NP~]
advcl         VP|S|ADJP|SQ|ADVP    PP[@PP /VB~|RB|NN|JJ|RP|FW]
compound:prt  VP       PRT|RP
compound:prt  ADJP     RP
nmod:tmod     VP       NP[@{noun}={time} !/CC]       <{colon}
nmod:tmod     VP       NP[@{noun}={time} /DT /CC[!>>CC !<<CC]]
nmod:tmod     VP       NP[@NP[!> !<]/{noun}={time}[&head] !@NP/CC>>CC]
parataxis     VP       NP       <{colon} <<NP
nmod:tmod     VP    NP[@{noun}={time} !/CC[>]]   !>>NP-TMP !>NP={time}[!/CC]
dep           VP    WHNP[@{noun}={time} !/CC]
dep           VP       SBAR[/IN=that,whether[!<] !/VP|S|SBAR|SINV|SQ]
dep           VP       SBAR[/IN=that,whether[!<] /S[!/VP|S]]
ccomp         VP       SBAR[/IN=that,whether !/IN=-that,whether]
advcl         VP       SBAR[/IN|MWE !/SBAR]
advcl         VP       SBAR[/IN|MWE=-that,whether /SBAR]
advcl         VP       SBAR[@SBAR /SBAR/IN|MWE=-that,whether]
xcomp         VP       SBAR[/WHADVP /S/VP/TO]  <NP
xcomp         VP       SBAR[/WHADVP=-how /S/VP/TO]
dep           VP       SBAR[/WHADVP[!/WRB] /S]
advcl         VP       SBAR[/WHADVP=when,where,whenever,wherever,why[>>S]]  !^$={know}
advcl         VP       SBAR[//WHADVP=when,where,whenever,wherever,why[$WRB] !/S]
advcl         VP       SBAR[/WHADVP=-how /S[!/NP !/VP/TO]]
advcl         VP       SBAR[//WHNP/WRB !/S|VP]
advcl         VP       SBAR[//SINV !/IN]
dep           VP       SBAR     <<NP  !^$={tell}
dep           VP       SBAR[/WHADVP=how]     <<NP
dep           VP       SBAR[@SBAR /{comma}|{colon}]
dep           VP       SBAR[@SBAR /CC[!<]]
dep           VP       SBAR[!/S|SBAR|SINV|FRAG]
dep           VP       SBAR[/S[@S|NP] !/WHADVP]
dep           VP       SBAR[/S[!/VP|S|ADJP] !/WHADVP]
dep           VP       SBAR[@SBAR !/CC|CONJP|{comma}|{colon}]
ccomp         VP       SBAR|SBARQ
xcomp         VP       S[/VP/TO[!<VP]]    <<NP ^$={control}
advcl         VP       S[/VP/TO[!<VP]]    <<NP
xcomp         VP       S[/VP/TO[!<VP]]
parataxis     VP       S[!/VP/VB|VBZ|VBP|VBD !/VP/VP/VB|VBZ|VBP|VBD !@PP]  <{colon}
advcl         VP       S[/VP[/VBG|VBN]]  <{comma}<NP
advcl         VP       S[/VP/VBG]   ^/VBG
xcomp         VP       S[/VP[/VBG[!<]] !/NP]
xcomp         VP       S[@ADJP|NP|S|SBAR]
nmod          VP       S[@PP !/{quote}]
xcomp         VP       S[!/VP|S|SBAR]
xcomp         VP       S[/NP>NP>VP/VB~[&head !.VB]]
dep           VP       S[/VP/VBN[!<] !/NP[/PRP !/DT]]
ccomp         VP       S[/NP]       <<NP <<VB~={have}
dep           VP       S[/VP/VBG[!<] /NP]  !^$={have}
dep           VP       S            <<NP
ccomp         VP       S
nmod:tmod     VP       VP[@NP-TMP]
xcomp         VP       VP   <<VB~={become}
xcomp         VP       VP[/VB|VBG]       <VB~ !^<<NP[&expletive]
xcomp         VP       ADJP
xcomp         VP       WHNP  ^$={become}
xcomp         ADJP     S[/VP/TO[!<]]
dep           ADJP     SBAR[/IN=as>S]
ccomp         ADJP     SBAR[/S]
nsubj         VP       NP  <<VB~={become} ^<<NP[&expletive]
iobj          VP       NP  <<VB~={become} >NP
xcomp         VP       NP  <<VB~={become}
xcomp         VP       NP  >VB~={become}
dep           VP       NP[/{possessive}]  >NP
iobj          VP       NP      >NP=-{time}
iobj          VP       NP      >NP[/CC]
dep           VP       NP      <VB~={be} !&after
dep           VP[@NP]   NP   <<VB~={be}
dep           SQ[@VB~={be}]  WHNP
dep           VP       NP|WHNP  ^[@VB~={be}] &after
dep           VP       NP       >VB~={be}
dep           SQ       WHNP     !&after
conj          VP       NP[/FW=etc,ect[!<]]
dobj          VP|SQ    NP|WHNP
ccomp         S        S        >>{unquote} &after
ccomp         S[@VP]   S[/NP]   &after <NP|PRP|{comma} !<<CC !>>CC
parataxis     S[@S]    S        !>>CC !<<CC[<] &after
parataxis     S        S        <S|PRN|{colon} !>>CC
csubj         S        SBAR[/WHADVP/WRB=how]   >VP !<<NP
dep           S        SBAR    <NP >VP
advcl         S        SBAR[/WHADVP[!&head !<ADVP|SBAR]]   !&after
advcl         S        SBAR[@SBAR/WHADVP]   !&after
advcl         S        SBAR[/WHNP/WRB /VP]  >>VP
csubj         S        SBAR     >VP !<<NP !>>NP|NP-TMP
csubj         S        S        >VP !<<NP
dep           S        SBAR[/RB>IN=that]  >{comma}>VP
advcl         S        SBAR     !&after
advcl         S        S[@VP/TO]          >{comma} >>VP
advcl         S        S[@VP/VBG|VBN]  >{comma} >>VP !<{quote}|NP
dep           S        S[@VP/VBG|VBN]  <{quote}
dep           S        S[@VP$VBG]  >{comma} >>VP
ccomp         S        S        >{comma}|{unquote} >>VP
csubj         S        SBAR|S   >>VP !>>NP !<<NP
nmod:tmod     SBARQ    WHNP[@{noun}={time} !/CC]  >>SQ[/NP~]
nmod          SBARQ    WHNP  >>ADJP/PP[@IN|TO]
dobj          SBARQ    WHNP  >>ADJP >VB~>NP
nsubj         SBARQ    WHNP  >>ADJP
dep           SBARQ    WHNP[/WRB]  >>SQ[@VB~={be} /NP !/NP[$EX] !/PP]
dobj          SBARQ    WHNP  >>SQ[@VB~={be} /NP !/NP[$EX] !/PP]
dobj          SBARQ    WHNP  >>SQ[@VB~={be} /NP-ADV|ADJP]
dobj          SBARQ    WHNP  >>SQ[@VB~={tell} /S]
nsubj         SBARQ    WHNP  >>SQ[@VB~ !/SINV]
dobj          SBARQ    WHNP[!//{wh}]  >>SQ[@ADJP /VB~={be} !/NP]
nsubj         SBARQ    WHNP  >>SQ[@ADJP /VB~ !/NP|RRC]
nmod          SBARQ    WHNP  >>SQ[@VP|ADJP[/PP[@IN|TO]] /VB~|MD]
nsubj         SBARQ    WHNP  >>SQ[@VP>NP]
nsubj         SBARQ    WHNP  ^/SQ[@ADJP /VB~=-{be}]
nsubj         SBARQ    WHNP   ^@SQ[@VP !/NP]
dobj          SBARQ    WHNP  &after ^@SQ[@VP|ADJP]
dobj          SBARQ    WHNP  &after ^@SQ@VB~
dep           SBARQ    WHNP[@WRB]
dobj          SBARQ    WHNP[/WP]  >>SQ[/NP @VP[@VB~ !/NP /S/VP/TO]]    -> >>SQ@VP/S[/VP/TO]
dobj          SBARQ    WHNP[/WP]  >>SQ[/NP @VP={tell}[/S/VP/TO]]    -> >>SQ@VP/S[/VP/TO]
dep           SBARQ    WHNP  >>SQ[/NP @VP/S/VP/TO]
dobj          SBARQ    WHNP  >>SQ[/NP @VP|ADJP /VB~={be}]
dobj          SBARQ    WHNP  >>SQ[/NP @VP[!/NP]]
dobj          SBARQ    WHNP  >>SQ[@SINV]
dobj          SBARQ    WHNP  >>SQ|S[/SQ|S[/NP @VP[!/NP]]]
dobj          SBARQ    WHNP  >>SQ[@SQ[@VB~={be}]]
dobj          SBARQ    WHNP  >>SQ[@SQ@SQ/VB~]
dobj          SBARQ    WHNP  >>SQ[/NP @VP={tell}/S@S]
nsubj         SBARQ    WHNP  >>S[@VP/SBAR/S]  -> >>S@VP/SBAR/S
dobj          SBARQ    WHNP  >VB~={be}>RB>NP
dobj          SBARQ    WHNP  >>SINV
dobj          SBARQ    WHNP  >>S[/NP @VP[!/NP]]
advmod        SBAR        WHNP[/WRB]  >VP
advmod        SBAR        WHNP[/WRB]  >S[@VP !/NP]
nsubj         SBAR        WHNP  >>S[@VP !/NP]
nsubj         SBAR        WHNP  >>VP
nsubj         SBAR        WHNP  <VP
nsubj         SBAR        WHNP  <S[@VP !/NP]
nmod          SBAR|SBARQ  WHPP
nmod          {nominal}   WHPP[/WHNP|NP]
nmod          WHPP  WHPP
nmod          SBAR        WHNP  >>S[/NP]$^VP|ADJP/PP[@IN|TO]
dobj          SBAR  WHNP  >>S[@VP/S[@S|VP !/NP !/VP/TO]]  -> >>S@VP/S
dobj          SBAR  WHNP  >>S[@VP]
"""
