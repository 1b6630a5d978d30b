"""The lists of labels and of words that the rules of heads and relations name."""

from __future__ import annotations


def _lists(text: str) -> dict[str, frozenset[str]]:
    lists: dict[str, frozenset[str]] = {}
    for line in text.strip().splitlines():
        # a name that occurs again has more items
        name, *items = line.split()
        lists[name] = lists.get(name, frozenset()) | frozenset(items)
    return lists


LABELS = _lists(
    """
    punct   . , : `` '' -LRB- -RRB- HYPH NFP #
    mark    . , : `` '' -LRB- -RRB- HYPH
    be_verb VB VBZ VBP VBD VBN VBG
    hash   #
    advised    RRC NP-CJ VP S SQ NP NP-TMP NP-ADV PP CONJP ADJP ADVP SBAR SINV SBARQ QP WHNP
    advised    WHADVP WHADJP UCP X WHPP
    quote  ``
    open   -LRB-
    close  -RRB-
    unquote ''
    adverbial ADVP RB PP
    possessive  PRP$ WP$
    comma   ,
    stop    .
    wh     WP WDT WRB WP$
    colon   :
    phrase     NP-CJ NP NP-TMP NP-ADV VP PP S SBAR SINV SQ SBARQ ADJP ADVP QP NX NML UCP FRAG WHNP X NAC
    phrase     RRC WHPP PRN LIST
    conjunct NP-CJ NP NP-TMP NP-ADV VP PP S SBAR SINV SQ SBARQ ADJP ADVP QP NX NML UCP FRAG WHNP X NAC RRC WHPP LIST INTJ
    coordinated NP-CJ NP NP-TMP NP-ADV VP PP S SBAR SINV SQ SBARQ ADJP ADVP QP NX NML UCP WHNP RRC LIST
    content NN NNS NNP NNPS JJ JJR JJS VB VBZ VBP VBD VBN VBG CD PRP FW IN TO DT EX PRP$ $
    nominal NP-CJ NP NP-TMP NP-ADV NX NML WHNP LIST
    nounlike NP-CJ NN NNS NNP NNPS NX NML LIST NP
    dollar  $
    noun    NN NNS NNP NNPS
    flat    NN NNS NNP NNPS JJ JJR JJS CD VBG VBN DT PRP$
    """
)
WORDS = _lists(
    """
    be  be is are was were been being am 's 're 'm s
    pass  be is are was were been being am 's 're 'm s get gets got getting gotten
    have have has had having 've 'd
    preconj  both either neither
    reflexive myself yourself himself herself itself ourselves yourselves themselves oneself
    time       day days night nights week weeks month months year years morning mornings evening evenings
    time       today tomorrow yesterday spring summer fall autumn winter january february march april may
    time       june july august september october november december monday tuesday wednesday thursday
    time       friday saturday sunday
    months  january february march april may june july august september october november december
    anywhere  anywhere somewhere everywhere nowhere elsewhere
    emoticon  :-rrb- :-lrb- :rrb- ;-rrb- :-) :-( :) :( ;-) ;) :d :-d ^_^
    tell  tell tells told telling allow allows allowed allowing
    know  know knows knew known knowing tell tells told telling allow allows allowed allowing
    slash  /
    poss  's '
    never  not n't never
    control  tell tells told telling allow allows allowed allowing urge urges urged urging
    become     become becomes became becoming remain remains remained remaining seem seems seemed seeming
    become     resemble resembles resembled resembling
    auxiliary  be is are was were been being am 's 're 'm s have has had having 've 'd do does did get
    auxiliary  gets got getting gotten
    """
)
