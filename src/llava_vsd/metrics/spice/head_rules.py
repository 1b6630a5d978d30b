"""Which child of a phrase is its head: rules by category, tried from top to bottom.

A line reads: categories, `first` or `last` (from which side the children are searched), labels in order of preference,
and conditions on the child, if any. Content words head: a copula or auxiliary gives way to what it belongs to.
"""

RULES = """
NX                  first  NX  >CC|CONJP|{comma}
NP~|NX|NML          last   NN|NNS|NNP|NNPS|NX|NML|JJR|LIST|NP-CJ
NP~|NX|NML          first  NP~
NP~|NX|NML          first  PRP
NP~|NX|NML          last   {dollar}|CD|ADJP|JJ|QP|FW JJS
NP~|NX|NML          last   DT|WDT|RB|ADVP
NP~|NX|NML          first  PRN|POS -{comma}|{colon}|{stop}|{quote}|{unquote}
WHNP                last   NN|NNS|NNP|NNPS|NX|NML
WHNP                first  WHNP
WHNP                last   WDT|WP   >NP
WHNP                first  NP
WHNP                last   JJ|CD|RB|QP|FW WDT|WP WHPP
WHNP                first  -{punct}
WHADVP|WHADJP       last   WP
WHADJP              last   JJ RB
WHADJP              first  NP  >{comma}
WHADVP|WHADJP       last   WRB|RB|JJ|NN -{punct}
WHPP                first  NP~ S|SBAR|SQ|VP|QP|PP|ADJP WHNP|WHADVP
WHPP                last   -{punct}
NAC                 first  NN|NNS|NNP|NNPS NP NAC -DT|{punct}
VP      first  VP    <<VB~={auxiliary} !^<<[//EX]
VP      first  VP|TO    <<VB~={auxiliary} .[!@NN|NNS|JJ|VB]
VP      first  VP       <<TO|MD
VP      first  ADJP|NP|VP    >>VB~={be} !<<VB~ !>>NP !^<<[//EX]
VP      first  PP    >>VB~={be} !<<VB~ !>>NP|ADJP !^<<[//EX]
VP      first  ADJP|UCP|WHADJP  <<VB~={be} !^<<[//EX] .[!@CC|ADVP]
VP      first  NP|WHNP PP    <<VB~={be} !^<<[//EX]
VP      first  TO   !<<VP !>>VP|ADJP !<<VB~={be}
VP      first  VBD VBN MD VBZ VB VBG VBP
VP      first  VP ADJP NN NNS JJ NP NP-ADV WHADJP TO FW|WDT IN -{mark}|CC
S       first  VP S FRAG SBAR ADJP UCP TO
S       last   NP~ -{punct}
SINV    first  NP   >NP>VP[/VB~={be}]
SINV    first  NP   >PRN>NP>VP[/VB~={be}]
SINV    first  NP   >{comma}>VBZ|VBD|VBP|VB
SINV    first  NP   >{unquote}>{comma}>VBZ|VBD|VBP|VB
SINV    first  VP         >>VB~={auxiliary}
SINV    first  VP         <<VB~={auxiliary}
SINV    first  VP         <<MD
SINV    first  ADJP       >>VB~={be}
SINV    first  ADJP NP    <<VB~={be}
SINV    first  VBZ|VBD|VBP|VB|MD|VBN VP SINV S ADJP NP *
ADJP    first  {dollar}
ADJP    last   NN|NNS|NNP|JJ|QP|VBN|VBG|LIST
ADJP    first  ADJP
ADJP    last   JJR|JJS|DT|RB|RBR|RBS|CD|IN|VBD
ADJP    first  ADVP NP -{punct}
ADVP    last   DT    .=all <RB=at
ADVP    last   NNS   <NP
ADVP    first  RB|IN  .=at[>RBS|JJS=least] ^[!< > !>RB=once ^ADVP]
ADVP    last   RB|RBR|RBS|JJ|JJR|JJS|ADJP
ADVP    last   FW|DT|NN|CD|RP   !>>NP|NP-TMP|CC
ADVP    last   FW|NN|CD
ADVP    first  ADVP  >CC>NP
ADVP    last   CC
ADVP    last   NP|NP-TMP DT
ADVP    first  ADVP IN -{punct}
PP      first  NP~ S|SBAR ADVP|ADJP|VP|UCP|QP|X|FRAG|RRC|SBARQ|SINV PP
PP      last   -{punct}
CONJP   last   JJ
CONJP   last RB
CONJP   first  MWE  !>CC
CONJP   last   CC
CONJP   first  IN
CONJP   last   -{punct}
SBAR    first  S SINV SQ SBAR FRAG VP WHNP WHPP WHADVP WHADJP IN DT -{punct}
SBARQ   first  ADJP  <<VB~={be}
SBARQ   first  WHNP  /WP >>VB~={be}[!>RB]
SBARQ   first  SQ S SINV SBARQ FRAG SBAR *
SQ      first  VP
SQ      first  ADJP
SQ      first  NP    <NP[!$EX] <<={be}
SQ      first  NP    <{stop}<NP[!$EX] <<={be}
SQ      first  SINV  <VB~={be}
SQ      first  VBZ|VBD|VBP|VB|MD SQ ADJP *
FRAG    first  RB  .={never} >ADVP|ADJP
FRAG    first  RB  .={never} >VP/EX
FRAG    first  RB  .={never} >NP>VP|{stop}
FRAG    first  RB  <NP|VP !>VP
FRAG    first  IN NP~ VP ADJP ADVP FRAG S X SBAR RB|CC WHNP|WHADVP|SBARQ PP -{punct}
QP      first  {dollar}
QP      last   NN|NNS CD QP
QP      last PDT JJ DT
QP      first  JJS  <=at
QP      first  IN RB JJR JJS
PRT     last   RP -{punct}
RRC     last   VP NP~ ADJP PP ADVP
PRN     first  VP S|SINV|SQ SBAR NP~|NX|NML PP ADJP ADVP INTJ {noun} -{punct}|CC|CONJP CONJP *
INTJ    first  NN -{punct}
UCP     first  -{punct}
MWE|IN|PREP   first  -{punct}
LIST    first  -{punct}
X       first  S
X       last   VP NP ADJP -{punct}
"""
