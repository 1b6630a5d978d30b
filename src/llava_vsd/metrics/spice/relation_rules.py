"""Which relation a child's head word bears to the head of its phrase: rules, tried from top to bottom.

A line reads: relation, categories of the phrase, categories of the child, and conditions on the child. These are the
rules of coordination, of noun phrases and of modifiers; those of clauses, in `clause_rules.py`, follow.
"""

CONDITIONS = """
adverb        .ADVP|RB^S|VP|SBAR|NP
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
punct         *         {mark}
goeswith      *         GW
conj          NP|S      INTJ      <CC &after
conj          NP        PRT       <CC
discourse     *         NFP={emoticon}
punct         *         NFP
discourse     *         INTJ
mwe           MWE       *
mwe           IN        RB
nmod:npmod    QP        NP[/JJS|RBS]
case          NP        RB|IN=at  >JJS|RBS=least,most
# coordination
dep           S|SINV|SBAR[@PP|RB] {phrase}  <CC|CONJP &after
dep           SBAR[@ADJP] {phrase}  <CC|CONJP &after
conj          ADVP|NP   ADVP[/FW=etc,ect]
advmod        ADVP      ADVP      ^[@CC]
cc:preconj    NP        CONJP[/RB=not /RB=only,just,merely] ^/CONJP|CC
cc:preconj    NP|NP-ADV CC={preconj} !< >>CC
cc:preconj    NP        CC={preconj} <<CC[<-{punct}] >-DT|NP
cc:preconj    NP        CC={preconj} <<NP|LIST[/CC] !>DT
cc:preconj    NP        CC={preconj} >>NP[/CC]
cc:preconj    S|VP|PP|ADJP|ADVP|SBAR|UCP|SQ|SINV CC={preconj} >>CC !<<-{punct}
case          PP        CC        !<< >NP|NN
cc:preconj    NP-ADV    CC={preconj} <<NP[/CC]
cc:preconj    NP-ADV    CC={preconj} >NP[/CC]
cc:preconj    S         CC={preconj} >VP|S>>CC
cc:preconj    VP        CC={preconj} >PP>>CC
cc:preconj    VP        CC={preconj} <VB~ >VB~|VP>>CC
cc:preconj    ADVP      DT={preconj} ^[@CC]
cc:preconj    PP        DT={preconj} >PP>CC
cc:preconj    SBAR      CC={preconj} <WHNP >>CC
cc:preconj    NML|ADVP  CC={preconj} >>CC !<<CC
conj          -NP       CC={preconj} <CC &after
dep           *         CC={preconj}
cc            *         CC|CONJP
acl           NP        VP[@VB~]  <CC &after ^[@NP~]
acl:relcl     NP        RRC       <CC &after
discourse     {phrase}  PRN[@INTJ !/-INTJ|{punct}]
advcl         VP|ADJP   PP        <CC<PP[@S|SBAR]
case          PP|ADVP   IN|TO     <CC|CONJP
conj          {coordinated} {conjunct}|{content} <CC|CONJP[<] &after !&adverb
conj          {coordinated} {conjunct} <{quote}<CC|CONJP &after
conj          ADVP|PP|NX RB        <CC|CONJP &after
conj          QP        RB        <CC &after
conj          {coordinated} {conjunct}|{content} <ADVP|PRN[!&head]<CC|CONJP &after
conj          {coordinated} {conjunct}|{content} <{comma} >>CC|CONJP &after
conj          VP|S      ADVP[$FW=etc,ect] <{comma}|CC &after
conj          S         S         <{comma}={slash}<S
conj          S         NP        <{comma}={slash}<NP
conj          SQ        {noun}    <{comma}={slash}<{noun}
conj          VP        VP        <{comma}={slash} ^/VP
conj          SBAR      SBAR      <{comma}={slash}<SBAR
conj          SQ        SQ|NP     <{comma}={slash}<{phrase} &after !^[@ADJP]
conj          -NP|NP-CJ|NP-TMP|NP-ADV|NX|NML|WHADVP {conjunct}|{noun}|DT|JJ|IN|POS|NP-ADV <CC|CONJP[<] !&after !.ADVP
conj          NP        DT|NP-TMP <CC[<] !&after
conj          PREP      IN|TO
conj          {phrase}  RB=never,n't <CC
conj          SBAR      RB=not    <CC
det:predet    {nominal} DT        >DT ^[@-DT] !>>CC !&after
det:predet    NP        DT        >{possessive}
# noun phrases
neg           ADVP|{nominal} DT=no     >>
cc:preconj    NP        DT={preconj} >>CC|LIST
cc:preconj    NP        DT|PDT={preconj} !< ^NP[!<<CC]>>NP-CJ
cc:preconj    NP        DT={preconj} >NP[@{noun}]
dep           NP        DT        >NP>CC ^[@NP]
dep           NP        DT        >>CC>JJ ^[@JJ]
cc:preconj    VP|ADJP|SBAR DT={preconj} >>CC
cc:preconj    ADJP      DT=either,neither ^[>CC]
neg           ADJP      DT=no     >>CC
dep           ADJP      DT        >>CC
dep           NAC|NML   DT={preconj}
neg           NAC       DT=no
amod          NAC       JJ|ADJP
amod          NAC       IN        >>
compound      NAC       {noun}    >JJ|CD|NN|CC
compound      NP        AFX       >>
dep           NP~       DT=-both,either,neither >POS
neg           ADJP      DT=no     >>JJ
dep           NP        DT        >CC>DT
dep           NP        DT=-no    <NN >VBG
dep           NP        WDT|{noun} >NX
det           {nominal}|ADJP|NAC|ADVP DT|WDT|WP >>{nounlike}|JJ|JJS|JJR|VBG|CD
det           NP        DT        >>RB|QP
det           NP        DT=-neither >>FW
det           NP        DT=all,both,each <PRP[!<] !>DT|HYPH
det           NP        DT        >{phrase} !>PP|VP|ADVP
det           NP~       DT=-neither >PRP
det           X         DT=-no    >ADJP
det           X         DT=-no,both,either,neither >JJR|{noun}
cc:preconj    NP        PDT={preconj} >>CC
det:predet    NP        PDT       >DT|{possessive} !>DT[&head]> !>>CC !<<DT
det:predet    NP        PDT       >|DT !>>CC !<<DT
nmod:poss     -PP|VP|SBAR|S|FRAG PRP$|WP$
case          {nominal} POS
case          NP        VBZ='s
dep           {nominal} {noun}|PRP >POS=-{poss}
nmod:poss     {nominal} {noun}|PRP >POS
nmod:poss     {nominal} {noun}|PRP >-{noun}|NP>POS
nummod        NP        ADJP[@QP[@CD|NN|QP]]
dep           NP|INTJ   JJ        <CC[!<]
amod          {nominal} JJ|JJR|JJS|VBG|VBN|ADJP|IN|WHADJP|VBD
nmod          NP        UCP[@PP]  >>
amod          ADJP      JJ        ^[@JJ] !>>CC !<CC
amod          ADJP      JJ        ^[@NN] >JJ
amod          ADJP      JJ        ^[@NN] <JJ
nummod        {nominal} CD|QP
dep           NML       NML       >{comma}
appos         NP        NNP       <{comma}<NNP >>
conj          NP        {noun}    <{comma} >>CC
dep           NP|NP-CJ  {noun}    <{comma} >>{noun} !>JJ
conj          NP        FW=etc,ect >>NP|PRP
dep           NP        NML|NP|{noun} >NML[&head]
dep           NP        NML       >{comma}>NML[&head]
conj          NX        NX        &after >>CC
dep           NX        NX        >>NX
amod          NP        LIST[@JJ] >>
compound      {nominal} {noun}|NX|NML|LIST >> !>JJR[&head]
compound      {nominal} FW        >>{noun}|CD|FW
conj          NP        {conjunct} >>FW=etc,ect <{comma}
nmod:poss     {nominal} NP[/POS[!>]] !>{comma}>NP !<<CC >>{noun}|NX|NML|NP|LIST
nmod:poss     {nominal} NP[/NP[!> <CC]/POS[!>]] >>{noun}|NX|NML|NP|LIST
dep           NP        NP[/POS[!>]] >>
dep           NP        NP[/NP[!>]/POS[!>]] >>
amod          {nominal} NP[@JJ|JJR|VBN !@JJ[!< !>]] >>{noun}|NX|NML
compound      {nominal} NP        >>{noun}|NML|LIST|NP !&after
nmod:poss     {nominal} NP[/POS]  << !<{comma} !<<CC
nmod:poss     NP        NP[/NP/POS /CC] << !<{comma} !<<CC
compound      NP        NP        >>FW|JJ &after !<{comma}
nmod:npmod    NP        PRP={reflexive} <<NP|NNP|NNS|PRP
nmod:npmod    NP        NP[/PRP={reflexive}[!< !>]] &after !<CC|{comma}|X
nmod:npmod    NP        NP[$NNS=days,months,years,weeks] <NP[$=%] !>
nummod        NP        NP[/CD[!< !>]] <NP={months}[!/CD]
nummod        NP        NP[/CD[!< !>]] <{comma}<NP={months}[/CD[!>]]
amod          NP        NP[/CD[!< !>]] <{comma}
appos         NP        NP[@NNP !/-NNP] <NP[$NN|CD] !>
acl           {nominal} VP[/VBG|VBN|VBD] &after <<NX|NML|NP|PP|ADVP|ADJP|S|SBAR|VP|PRN|QP|LIST|CC|CD|{comma}|{quote}|{unquote}
acl:relcl     NP        RRC
acl:relcl     ADVP      SBAR[/S !/IN] <ADVP={anywhere}
advcl         ADVP      SBAR      <ADVP|FW
ccomp         ADVP      SBAR[/WHNP !/FRAG] ^[@RB|RBR]
ccomp         ADVP      SBAR[/IN=that /S/VP]
advcl         NP        SBAR[/IN=than /S[/NP /VP]] <NP[/JJR]
acl           NP        SBAR[/IN=after,before,since,until !/S/EX !/-IN|S|ADVP|FW] <NP|NX|NML|{comma}
dep           NP        SBAR[/{possessive}] <{phrase}
acl           NP        SBAR[/S/VP/TO !/WHNP//WDT|WRB|{possessive} !/WHADVP|WHPP] <{phrase}
acl:relcl     NP        SBAR[/IN=-that,whether,than[>>S] /S[/NP /VP[@VB~ !/NP !/PP[!//NP]]] !/CC] <<{phrase}
acl:relcl     NP        SBAR[/IN=-that,whether,than[>>S] /S[/NP /VP@VP[@VB~ !/NP|VP]] !/CC] <<{phrase}
dep           NP        SBAR[/IN] <{phrase}|{comma}
acl:relcl     NP        SBAR[@SBAR //WHNP /SBAR/S|VP] <{phrase}|{comma}
acl           {nominal} SBAR[/S/VP/TO !/WHNP|WHADVP|WHPP|IN]
dep           NP        SBAR[/WHADVP=how] <NP
dep           {nominal} SBAR[/WHADVP[!//WRB]] <{phrase}
acl:relcl     NP        SBAR[/WHADVP[!/CC]] <NP ^[@{nominal}]
acl:relcl     {nominal} SBAR[/S[@-NP !>{mark}] !/WHADVP=how[!<] !/WHADVP[!<]/CC] <{phrase}|{comma}|FW ^[@{nominal}] &after
acl:relcl     {nominal} SBAR[/VP[<]] <{phrase}|{comma}|FW ^[@{nominal}] &after
acl:relcl     {nominal} SBAR[/WHNP //{wh} !/S|VP] <<NP
acl:relcl     {nominal} SBAR[/WHNP /S[@NP]] <<NP
ccomp         {nominal} SBAR      ^[@{noun}|JJ|NX|NML|LIST]
nmod          NP|ADJP|SQ|FRAG S[@PP]
acl           {nominal} S[/VP/TO] &after ^[@{noun}|NP|NX|NML|PRP|CD]
# adverbs, numbers, measures, parentheses
conj          ADJP      RB={never} <CC
neg           VP|S|SQ|PP|CONJP|ADJP|FRAG|SINV RB={never} !^SINV/RB
neg           VP|S|SQ|ADJP|FRAG|SINV ADVP={never}[@RB]
neg           SBAR      ADVP={never}
dep           ADVP|SBAR|SINV|WHADVP RB={never}
neg           NP~       RB={never}
neg           NP|ADVP   RB=no     >>
neg           ADJP      RB=no     !<CC >>JJ|JJR
advmod        FRAG      RB|ADVP   >>VP|RB
dep           VP        ADVP[/ADVP[/RB=at]>RB=once] !>
conj          VP        ADVP[/FW=etc,ect] &after !>
dep           S|VP      ADVP[/FW=etc,ect]
advmod        VP|S|NP|SBAR ADVP[/RB[!< !>]] <CC >{phrase}  -> >{phrase}
dep           X|CONJP|QP ADVP
dep           ADVP      RB|RBR|{conjunct} >CC
dep           CONJP     RBR|WRB
dep           X         RB
dep           PP[/PP|SBAR] RB        &after
nmod          NP        ADVP[/IN=at>DT=all] &after
mwe           ADVP      RBS|JJS=least <RB|IN=at[&head]
case          ADVP      RB=at     >RBS|JJS
case          QP        IN=at     >JJS ^[^VP]
case          ADVP      RB=at     >DT=all
nmod          S         ADVP[@DT=all /RB=at] !&after
dep           S         ADVP[@DT=all /RB=at]
dep           WHADVP    WHADVP|WRB &after
dep           ADJP|SBAR|SINV ADVP[/FW=etc,ect] >>
advmod        {advised} RB|RBR|RBS|ADVP|WHADVP|WRB
advmod        WHADVP    JJ        >>WRB
advmod        ADVP      JJ|MWE    >>RB|NN
amod          QP        IN        >CD>CC
det           QP        DT        >NN|CD>CC
advmod        QP        PDT|IN|JJ|JJR|JJS|RB|RBR|RBS|MWE|DT
nmod:tmod     S         NP-TMP    >>NP >>VP
nmod:tmod     S         NP-TMP    <<NP >>VP
dep           S         NP-TMP|NP-ADV
nmod:tmod     PP        NP-TMP    <NP<IN
dep           ADVP      NP-TMP    >>
nmod:tmod     -SQ|SBARQ|SINV|ADJP|FRAG|PP|INTJ|SBAR|NAC|NML|NX|QP|CONJP|WHNP|WHADVP NP-TMP
nmod:tmod     ADJP      NP-TMP    &after
nmod:tmod     ADJP      NP-TMP[@NNP]
nmod:npmod    ADJP      NP-TMP
nmod:npmod    ADJP      NP-ADV    >JJ|JJR|RB[&head]
nmod:npmod    -SQ|SBARQ|SINV|FRAG|SBAR|ADJP|INTJ|NML|WHPP|X|QP NP-ADV    !>CC[&head]
parataxis     VP        PRN[@S|SINV]
parataxis     VP        PRN[@SBAR /{comma}]
parataxis     VP        PRN[@VP /NP] ^[@VP]
parataxis     S|X       PRN[@S|VP] ^[@VP]
appos         NP        PRN[@NNP[&capitals]]
appos         NP|FRAG   PRN[@NP /{open}[!<] /{close}]
nmod          NP        PRN[@PP]
nmod:tmod     ADJP      NP[$NNP={time}]
nmod:tmod     ADJP      NP[$={time}] &after
nmod:npmod    ADJP      NP|NN     >>JJ|JJR|RB[&head] !>JJ[!&head]
nmod:npmod    ADVP      NP[$-FW]  >RB~|JJ|JJR
nmod:npmod    ADVP      NP[$-FW]  ^[@RB~]
nmod:npmod    WHADVP|WHADJP NP        >RB|IN
compound      ADJP      {hash}|CD
amod          ADJP      NNP       ^[@JJ]
conj          ADVP      FW=etc
compound      ADJP|ADVP FW        >FW
conj          ADVP      FW=ect
compound      QP        CD        <{dollar} > !>>QP|CC
nummod        QP        CD|QP     <{dollar}
compound      QP        {hash}
nummod        QP        CD        >CD>CC
compound      QP        CD        >>
compound      QP        {noun}    >>{noun}
compound      QP        CD        ^[@NN]
amod          INTJ      JJ        >>NN
dep           INTJ[@CC] JJ
amod          INTJ      JJ        <
nmod:tmod     PP        NP[@{noun}={time}] <NP
conj          PP|ADJP|FRAG|QP|NP-TMP FW=etc,ect
conj          {coordinated} FW=etc,ect &after
appos         FRAG|{nominal} NP        <{comma}
appos         FRAG|NP   S         <{colon}<NP[&lone_noun]
parataxis     NP        S         <{colon}<NP[//NNP]
parataxis     FRAG      S         <{colon}
parataxis     FRAG      FRAG      &after !<CC
"""
