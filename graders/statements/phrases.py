r"""The phrases that say that a statement is not the writer's last word, by kind and language.

`SUPPOSED_BEFORE`, `QUOTED_BEFORE` and `DENIED_BEFORE` end where the statement begins, `OWN_SENTENCE` begins where it
ends, `NEXT_SENTENCE` begins the sentence after it, `TAKEN_BACK` may stand anywhere up to the next statement.
"""

_ADVERBS = (
    r"(?:also|likely|probably|clearly|actually|simply|obviously|just|quite|most|definitely|certainly|still|all"
    r"|in fact)"
)
_BAD = (
    r"(?:(?:quite |rather |a bit |way )?off|suspicious|fishy|implausible|unsatisfied|bogus|not what\b[^.]{0,20}"
    r"|(?:a|an|the) (?:[a-z]+ ){0,2}(?:blunder|contradiction|slip|nonsense|typo)|the result of an? [a-z]+"
    r"|the wrong (?:problem|question|formula|number|unit|thing|case|one|quantity)|wrong|incorrect|mistaken"
    r"|false|impossible|untrue|nonsense|invalid|absurd|flawed|erroneous|inaccurate"
    r"|out of the question"
    r"|(?:a|an|the|one) (?:[a-z]+ ){0,2}(?:mistake|error|trap|misconception|wrong (?:answer|value|option|choice))"
    r"|too (?:large|small|big|high|low|much|many|few|long|short)|(?:ruled out|excluded|rejected|discarded|extraneous)"
    r"|not (?:be |an? |the |quite |really |what ){0,2}(?:correct|right|true|possible|valid|answer|solution|it"
    r"|so|the one"
    r"|(?:correct|right|final|actual|true) (?:answer|value|option|choice|one|result)))\b"
)
_IS = (
    r"(?:is|are|was|were|be|been|seems|looks|(?<=[a-z])['’]s|isn['’]t|can(?:no|['’])t be|would be|must be|may be"
    r"|might be)"
)
_IS_BAD = (
    rf"(?:{_IS} (?:{_ADVERBS} ){{0,2}}{_BAD}|(?:can(?:not|['’]t) (?:possibly )?|could not |couldn['’]t )be\b"
    r"|(?:isn['’]t|wasn['’]t) (?:the |quite |actually )?(?:correct|right|true|possible|valid|it|answer|solution))"
)
_FAILS = (
    r"(?:fails?\b|contradicts?\b|violates?\b|leads to a contradiction|is off by|has the wrong|was marked wrong"
    r"|ain['’]t|(?:does not|doesn['’]t|do not|don['’]t|cannot"
    r"|can['’]t) (?:satisfy|work|fit|hold|match|agree|make sense|add up|check out))"
)
_MARKED = (
    r"\s*(?:[(\[]\s*(?:this is |now )?(?:wrong|incorrect|false|rejected|invalid|not correct)\b[^()\[\]]{0,30}[)\]]"
    r"|[✗✘❌])"
)
_IT = (
    r"(?:(?:this|that|it|which|he|she|they|my|the (?:above|previous|last|first))"
    r"(?: (?:answer|result|value|option|choice|solution|one|conclusion|statement))?)"
)
_SPEAKER = (
    r"(?:one|some(?:one|body)?|no(?:body| one)|any(?:one|body)|few|many|most|people|students?|pupils?|others"
    r"|they|he|she|everyone|everybody|you|solvers?"
    r"|(?:friend|brother|sister|teacher|classmate|colleague|neighbou?r|model|book|textbook|key|sheet|author"
    r"|user|tutor|internet|website|forum|reader|beginner|novice|expert|assistant|roommate|gut|intuition|calculator)s?)"
)
_SAYS = (
    r"(?:announce[sd]?|declare[sd]?|proclaim(?:s|ed)?|report(?:s|ed)?|say|says|said|think|thinks|thought|claims?|claimed|believes?|believed|guess(?:es|ed)?|argues?|argued"
    r"|answer that"
    r"|answered|suggests?|suggested|assumes|assumed|insists?|insisted|expects?|wrote|writes|posted|states|stated"
    r"|(?:tells?|told) (?:me|us|him|her|them|you)|would (?:answer|pick|choose|write))"
)
_NOT_SURE = (
    r"(?:(?:really |strongly |very much )?doubt|deny|refuse to [a-z]+|disagree|(?:do not|don['’]t|can(?:no"
    r"|['’])t|cannot|can not"
    r"|could not|couldn['’]t|would not|wouldn['’]t) (?:really )?(?:say|think|believe|claim|tell|conclude|accept|see)"
    r"|(?:am|['’]m|m) not (?:at all |quite |really )?(?:sure|convinced|certain|saying|claiming))"
)

SUPPOSED_BEFORE = {
    "en": r"\b(?:suppos(?:e|ing)|assum(?:e|ing)|imagine|pretend(?:ing)?|let['’]?s say|let us say"
    r"|hypothetically)\b[^,.;:]{0,40}"
    r"|\bif\b[^.;,]{0,30}?\b(?:forgets?|ignores?|neglects?|overlooks?|misreads?|skips?|omits?|wrong(?:ly)?"
    r"|mistaken(?:ly)?|forgot|ignored|misread)\b[^.;]{0,60}|\bunder (?:the|an?) [^,.;]{0,12}(?:false|wrong|incorrect"
    r"|unrealistic|naive)[^.;]{0,60}"
    r"|\b(?:if|unless|whether|provided)(?: (?:the|our|my|this|that|then|correct|right|final|it|is|were|was|be|only))*"
    r"|\bif\b[^,.;]{0,60}?\b(?!there\b|people\b|children\b|we\b|they\b|you\b|men\b"
    r"|women\b)[a-z$]*[^s\W]\$? were\b[^.;]{0,60}"
    r"|(?:\A[^A-Za-z]*|\b(?:to|must|should|let us|let['’]s|can we|please|now|will) )(?:prove|show|verify|check"
    r"|confirm|establish"
    r"|demonstrate|disprove)(?: (?:that|whether|if|why))?(?: (?:the|our|my|correct|final|it|is))*"
    r"|\bthe case (?:where|that|when)(?: (?:the|it))?"
    r"|\b(?:nice|easy|great|odd|strange|wonderful|surprising) if\b[^.;]{0,30}",
    "de": r"\b(?:angenommen|nehmen wir an|falls|wenn)\b[^.;]{0,30}",
    "fr": r"\b(?:supposons|imaginons|si)\b[^.;,]{0,30}",
    "es": r"\b(?:supongamos|supón|imaginemos|si)\b[^.;,]{0,30}",
    "it": r"\b(?:supponiamo|se)\b[^.;,]{0,30}",
    "pt": r"\b(?:suponha(?:mos)?|se)\b[^.;,]{0,30}",
    "ru": r"(?:предположим|допустим|если|пусть)[^.;,]{0,30}",
    "zh": r"(?:假设|假如|如果|若|倘若)[^。，,；]{0,20}",
    "ja": r"(?:もし|仮に)[^。、]{0,20}",
    "ko": r"(?:만약|가정)[^.,]{0,20}",
}
"""What turns a statement into a supposition, read up to its first word."""

QUOTED_BEFORE = {
    "en": r"(?:\A|\n)\W*(?:student|pupil|friend|classmate|child|kid|critic|sceptic|skeptic|beginner|opponent|troll)"
    r"(?: [A-Z0-9])?:\W*(?:the |my )?"
    rf"|\b{_SPEAKER}\b[^,.;:]{{0,50}}?\b{_SAYS}\b(?: that)?(?:[,:] ?[\"“])?[^,.;:]{{0,20}}"
    r"|\bI (?:said|thought|claimed|wrote|guessed|assumed|was told)\b[^,.;:]{0,30}|\bhas it that[^,.;:]{0,20}"
    r"|\b(?:often|commonly|widely|generally|sometimes|usually) (?:assumed|believed|thought|said|claimed|held|answered)"
    r"(?: that)?[^,.;:]{0,20}|\b(?:belief|guess|conjecture|rumou?r) (?:is|was|would be)(?: that)?[^,.;:]{0,20}"
    r"|\b(?:claims|insists|guesses|alleges)(?: that)?[^,.;:]{0,20}"
    r"|\baccording to (?:my|his|her|their|some|one) [a-z]+,?[^,.;:]{0,20}"
    r"|\b(?:maybe|perhaps|possibly|conceivably)\b[^,.;:]{0,20}"
    rf"|\bI(?: |(?=['’])){_NOT_SURE}(?: that| whether| if)?[^,.;:]{{0,20}}"
    r"|\b(?:tempting|easy|natural|wrong|premature|a mistake|incorrect|reasonable) to (?:say|think|believe"
    r"|assume|conclude|guess|claim|answer)"
    r"(?: that)?[^,.;:]{0,20}"
    r"|\b(?:may|might|could|would|first) (?:seem|appear|look)(?: like| as if| as though)?(?: that)?[^,.;:]{0,20}"
    r"|\b(?:not|n['’]t) (?:true|certain|clear|the case|likely|possible|believable|sure) that[^,.;:]{0,20}"
    r"|\b(?:unlikely|impossible|doubtful|false|no way"
    r"|an? (?:[a-z]+ ){0,2}(?:myth|misconception|fallacy|mistake|error|lie|rumou?r)) that[^,.;:]{0,20}"
    r"|\bno (?:way|reason to (?:say|think|believe))(?: that)?[^,.;:]{0,20}"
    r"|(?:\b(?:not|cannot)|n['’]t) (?:follow|mean|imply|think|conclude|prove|show)(?: that)?[^,.;:]{0,20}"
    r"|\b(?:allegedly|supposedly|reportedly|purportedly)\b,?[^,.;:]{0,20}",
    "de": r"\b(?:man könnte (?:meinen|denken)|manche (?:sagen|meinen|denken)|viele (?:sagen|meinen|denken)"
    r"|ich bezweifle)\b[^.;]{0,30}",
    "fr": r"\b(?:on pourrait (?:penser|croire)|certains (?:disent|pensent)|beaucoup (?:disent|pensent)"
    r"|je doute)\b[^.;]{0,30}",
    "es": r"\b(?:podría pensarse|algunos (?:dicen|piensan)|muchos (?:dicen|piensan)|dudo)\b[^.;]{0,30}",
    "ru": r"(?:некоторые (?:говорят|думают)|многие (?:говорят|думают)|сомневаюсь)[^.;]{0,30}",
    "zh": r"(?:有人(?:说|认为|以为)|很多人(?:说|认为)|我怀疑|学生说)[^。；]{0,20}",
}
"""What hands a statement to somebody else, or says that the writer does not hold it."""

DENIED_BEFORE = (
    r"(?:\b(?:(?:reject|discard|exclud|eliminat|dismiss|refut|abandon)(?:e|s|es|ed|ing)?|rul(?:e|es|ed|ing) out"
    r"|(?:wrong|incorrect|naive|careless|flawed|mistaken|false|faulty|erroneous|common|tempting|lazy|sloppy|hasty|invalid)"
    r" (?:[a-z]+ )?(?:approach|method|attempt|way|reasoning|calculation|computation|formula|argument|derivation|guess"
    r"|shortcut|assumption|reading|interpretation)s?(?: would| might| may| will)?(?: gives?| give| gave"
    r"| yields?| leads? to"
    r"| produces?| is| was| are| results? in| arrives? at| gets?| ends? (?:up )?(?:with|at))?"
    r"|distractor|decoy|lure|red herring|erroneous|bogus|spurious|incorrect|(?:trap|decoy|distractor"
    r"|bait)(?: (?:answer|option|choice|value))?"
    r"(?: here| there)?(?: is| was)?"
    r"|(?:wrong|incorrect|false|invalid|naive|tempting|erroneous|bogus|spurious|misleading|deceptive|fake|rejected|discarded|old|previous|earlier|suggested|proposed"
    r"|claimed|alleged|[a-z]+['’]s)(?: (?:answer|result|value|choice|option|solution|one))(?: (?:is|was"
    r"|would be|here is))?"
    r"|not|never|cannot|can['’]t|neither|rather than|instead of|other than"
    r"|anything but|everything but"
    r"|far from)\b|n['’]t\b|≠|~~"
    r"|\b(?:wrong|incorrect|false|invalid|rejected|discarded|(?:old|previous|earlier|wrong|incorrect) answer)\)?:"
    r"|\\neq?(?![A-Za-z])|不是|不等于|\bnicht\b|\bn['’]est pas\b|\bno es\b)"
    r"(?: (?:be|have|get|write|answer|give|put|take|use|accept|choose|equal|equal to|the answer|actually|simply"
    r"|is|to|ever))*"
)
"""What denies a box or a letter that stands right behind it."""

OWN_SENTENCE = {
    "en": rf"\A{{value}}(?:,? (?:{_IS_BAD}|{_FAILS}|would (?:have )?be(?:en)? (?:an?|the) |(?:is|was) what\b"
    rf"|only (?:if|when)\b)|{_MARKED}|\W{{0,4}}\s*[?？])"
    rf"|(?:,|;|\(|\b(?:but|and|though|although|however)|[–—-]+)\s*(?:(?:but|and|though|although|however|yet"
    rf"|wait|no),? )?"
    rf"(?:it(?: is|['’]s) (?:likely|possible|clear|known) that )?{_IT}(?:['’]s (?:{_ADVERBS} ){{0,2}}{_BAD}| {_IS_BAD}"
    rf"| (?:contradicts|does not|doesn['’]t|{_FAILS}) )"
    r"|,\s*(?:or so )?(?:they|some|many|people|others|he|she) (?:say|says|said|claims?|think|thinks)\b"
    rf"|,\s*(?:[a-z]+ ){{0,3}}{_SAYS}\b|,\s*according to (?:an?|my|his|her|some|one|several|popular)\b"
    rf"|,\s*(?:hmm|wait|no|oh|ah|uh)\b[,.!…]*[^.]{{0,20}}\b{_BAD}|,\s*I (?:guess|think|fear|suppose) not\b"
    rf"|,\s*an? (?:[a-z]+ ){{1,3}}(?:that|which) {_FAILS}"
    r"|,\s*(?:or|at least) so (?:I|we|he|she|they|it)\b|,\s*or (?:maybe|perhaps|possibly)\b"
    r"|,?\s*\bbut (?:that|this|it) (?!(?:can|could|may|might) (?:also |equally )?be (?:written|simplified|expressed"
    r"|rounded|given)|(?:also|equals|is|was|has|must|should|does|do|did|seems|looks|works)\b)[a-z]+s\b"
    r"|,?\s*\b(?:which|but|though|although) I (?:could|can|did|have|do)(?: not|n['’]t|not) (?:[a-z]+ ){0,2}(?:confirm"
    r"|verify|prove|check|justify|explain|reproduce|believe|trust)\b"
    rf"|\b(?:but|though|although|however),? I (?:now )?(?:{_NOT_SURE}|was wrong|made|(?:get|got|find|found|obtain"
    rf"|obtained|compute|computed|calculated) [\s$\\(]*[-0-9])",
}
"""What a statement's own sentence says against it; `{{value}}` is the shape of what may stand before that."""

TAKEN_BACK = {
    "en": r"\bI(?:['’]ve| have| had)? (?:just |also |clearly )?(?:made|see) (?:a|an|my|some|the|another) (?:[a-z]+ )?"
    r"(?:mistake|error|slip)"
    r"|\b(?:ignore|disregard|discard) (?:that|this|my|the (?:above|previous|last)) (?:[a-z]+ )?"
    r"(?:answer|result|value|box|statement)\b"
    r"|\bI(?:['’]m| am| was| stand) (?:wrong|mistaken|incorrect|corrected)\b"
    r"|\bI(?:['’]ve| have)? (?:just )?(?:miscounted|miscalculated|misread|misunderstood|miscomputed|mixed up"
    r"|messed up)\b"
    r"|\b(?:wait|hold on|hmm|oh)[,.!…]* I (?:forgot|missed|overlooked|skipped|dropped)\b"
    r"|\b(?:just kidding|no longer believe|no,? wait|actually,? no|I meant|my bad|(?:not"
    r"|no longer) sure any ?more|oops|scratch that"
    r"|strike that|never ?mind|forget that|correction ?[:,]|whoops|my mistake\b|surely not|I (?:strongly )?disagree"
    r"|I do(?: not|n['’]t) agree|I take (?:it|that|this) back|I retract|I withdraw)"
    rf"|\b(?:wait|hold on|no|actually|hmm|sorry)\b[,.!…]*[^.?!\n]{{0,40}}?(?:\b(?:should|must) (?:actually "
    rf"|really |instead )?"
    rf"(?:be|have been) (?!noted|mentioned|correct|right)|\b{_IT}(?:['’]s (?:{_ADVERBS} ){{0,2}}{_BAD}"
    rf"| (?:{_ADVERBS} )?{_IS_BAD}| {_FAILS}))",
    "de": r"\b(?:stimmt nicht|ist (?:leider )?falsch|war falsch|Rechenfehler gemacht|Korrektur ?:)",
    "fr": r"\b(?:est (?:faux|fausse|incorrecte?)|c['’]est une erreur|je me suis trompée?|Correction ?:)",
    "es": r"\b(?:es (?:incorrect[oa]|falso|un error)|me equivoqué|Corrección ?:)",
    "it": r"\b(?:è sbagliat[oa]|ho sbagliato)",
    "pt": r"\b(?:está errad[oa]|errei)",
    "ru": r"(?:это (?:неверно|неправильно|ошибка)|я ошиб(?:ся|лась))",
    "zh": r"(?:不对|错了|是错的|有误|算错|更正)",
    "ja": r"(?:間違い|間違え|違います|訂正)",
    "ko": r"(?:틀렸|잘못 ?(?:계산|됐|되었)|정정)",
}
"""What takes a statement back, anywhere between its end and the next statement."""

NEXT_SENTENCE = (
    rf"\A\s*(?:(?!\bnot\b|n['’]t\b|\bwhich\b)[^.!?:\n0-9]){{0,60}}?\b{_IT}"
    rf"(?:['’]s (?:{_ADVERBS} ){{0,2}}{_BAD}| (?:{_ADVERBS} )?(?:{_IS_BAD}|{_FAILS}))"
    r"|\A\s*[^.!?:\n0-9]{0,60}?\b(?:equation|condition|constraint|requirement|inequality|check|test|verification"
    r"|substitution|units?)s? (?:(?:is|are) not (?:satisfied|met|fulfilled|true)|(?:is|are) violated"
    r"|fails?\b|disagrees?\b|(?:does|do)(?: not|n['’]t) (?:work|hold|match|agree|check))"
    r"|\A(?:(?!\b(?:others?|otherwise|any|no|each|every)\b)[^.!?\n]){0,60}?\ba?\s*contradiction[.!]?\s*(?:\n|\Z)"
    r"|\A\s*[^.!?\n]{0,30}?\bI(?: am|['’]m| was)? (?:not able|unable|lost|stuck|confused|cannot|can['’]t|could not"
    r"|couldn['’]t|do not|don['’]t|did not|didn['’]t)(?: to)?(?: (?:solve|determine|answer|find|confirm|know|reproduce"
    r"|justify|trust)\b|\W*\Z)"
    r"|\A\s*[^.!?\n]{0,20}?\bI (?:spoke|answered|concluded|decided|said that) too (?:soon|early|quickly|fast)"
    r"|\A\s*[^.!?\n]{0,20}?\bI (?:have to|must|need to|should|will|had better) (?:revise|redo|reconsider|recheck"
    r"|recompute|recalculate|rethink|retract|withdraw|start over|correct)\b"
    r"|\A\W*(?:please |kindly )?(?:scrap|disregard|ignore|discard|forget|strike|cancel|delete|erase) (?:that|this|it|my"
    r"|what|the (?:above|previous|last))\b"
    rf"|\A\W*(?:however|but|yet|still|though),? {_IT} (?!(?:can|could|may|might) (?:also |equally )?be (?:written"
    r"|simplified|expressed|rounded|given)|(?:also|equals|is|was|has|must|should|does|do|did|seems|looks|works)\b)[a-z]+s\b"
    r"|"
    rf"\A\W{{0,12}}(?:(?:but|however|yet|and|edit|update|note|correction|apologies|sorry|unfortunately|sadly"
    rf"|regrettably|alas|wait|hmm|actually|in fact|now|still|then|obviously|clearly|(?:up)?on (?:[a-z]+ ){{0,2}}[a-z]+"
    rf"|looking (?:again|closer|back)|thinking about it|(?:re-?)?(?:checking|testing|substituting|verifying|plugging)"
    rf"(?: (?:it|this|that|back|again|in|once more)){{0,2}})"
    rf"[,:!.…]* )?(?:I (?:now )?(?:think|believe|see|realize"
    rf"|fear)(?: that)? )?{_IT}(?:['’]s (?:{_ADVERBS} ){{0,2}}{_BAD}"
    rf"| (?:{_ADVERBS} )?(?:{_IS_BAD}|{_FAILS}))"
    r"|\A\W{0,12}(?:wait|no|hmm|oh|sorry|hold on|scratch|ah)[,.!…]* (?:it['’]s |it is |that is |that['’]s |I mean )?"
    r"(?:actually |rather |instead |really )?(?:it['’]s |it is )?[\s$\\(]*(?:[-0-9]|[A-J](?![A-Za-z'’]))"
    r"|\A\W{0,12}(?:(?:that|it|this) (?:should|must) (?:be|read|have been|equal) [\s$\\(]*[-0-9]"
    r"|I should have (?:written|said)"
    r"|(?:I must|let me) correct (?:myself|that|this|it)|(?:the )?(?:correct|true|right|actual) (?:value|answer"
    r"|result|one)"
    r" (?:is|was|should be) (?:actually )?[\s$\\(]*[-0-9]|(?:rather|err|ugh|no),? [\s$\\(]*[-0-9]|no no\b|ugh, wrong"
    r"|or (?:maybe|perhaps|is it|was it) [\s$\\(]*[-0-9]|then again\b)"
    r"|\A[\s?!.*$)}\]\\]*(?:hmm,? )?(?:no|nope|not so)\s*(?:[,.!;:–—-]|\Z)"
)
"""What takes a statement back where it stands right behind it: further on "this is wrong" speaks of something else."""

UNDECIDED_AMONG = (
    r"\b(?:not sure|unsure|not certain|cannot decide|can['’]t decide|cannot tell|can['’]t tell|do not know"
    r"|don['’]t know)"
    r" (?:which|whether|between)|\bcannot decide\b"
    r"|\b(?:does not|doesn['’]t) (?:say|specify|state|tell(?: us)?) (?:which|whether|if)\b"
)
"""Where the writer leaves the choice among several answers open."""

CLAUSE_STARTS = (
    ". ", ".\n", "? ", "! ", "; ", "\n", "。", "！", "？", "；", ", but ", " but the ", " but it ", " but I ",
    " but we ", " but my ", " but this ", "But ", " however", " yet ", " instead", " rather,", " whereas ",
    "herefore", "thus ", "Thus ", "thus,", "Thus,", "hence ", "Hence ", "hence,", "Hence,",
    " so ", "So ", ", then ", "但", "所以",
)  # fmt: skip
"""What ends the clause before: what is supposed or quoted there says nothing about the next one."""

CUES_SUPPOSED = (
    "under",
    "suppos", "assum", "imagin", "pretend", "let's say", "let us say", "let’s say", "hypothe", "if", "unless",
    "whether", "provided", "prove", "show", "verif", "check", "confirm", "establish", "monstrat", "the case",
    "angenommen", "nehmen", "wenn", "falls", " si ", "si la", "si le", " se ", "se a", "se la", "suponha",
)  # fmt: skip
CUES_QUOTED = (
    "student", "pupil", "friend", "classmate", "child", "kid", "critic", "sceptic", "skeptic", "beginner", "opponent",
    "troll",
    "say", "said", "think", "thought", "claim", "believ", "guess", "argu", "answered", "answer that", "suggest",
    "insist", "expect", "told", "tell", "would", "accord", "maybe", "perhaps", "possibly", "conceiv", "has it",
    "post", "stat", "often", "common", "wide", "general", "sometimes", "usual", "rumou", "conject", "alleg",
    "suppos", "report", "purport", "myth",
    "misc", "fallac", "mist", "error", "lie", "rumo", "wr", "doubt", "deny", "refuse", "disagree", "sure",
    "convinced", "certain", "not", "n't",
    "n’t", "seem", "appear", "look", "unlikely", "imposs", "false", "no ", "man ", "manche", "viele", "bezweif",
    "on pourr", "doute", "dudo", "muchos", "algunos", "podr", "assumed", "assumes",
)  # fmt: skip
CUES_DENIED = (
    "bogus", "spurious", "mislead", "decepti", "fake",
    "exclud", "eliminat", "dismiss", "refut", "abandon", "rul", "careless", "flaw", "mistak", "faulty", "erroneous",
    "common", "lazy", "sloppy", "hasty", "distract", "decoy", "lure", "herring", "trap", "bait",
    "not", "n't", "n’t", "wrong", "incorrect", "false", "invalid", "naive", "tempt", "reject", "discard", "old",
    "previous", "earlier", "suggest", "propos", "claim", "alleg", "'s ", "’s ", "~~", "never", "neither", "rather",
    "instead", "other than", "but", "far from", "\\ne", "nicht",
    "pas", "no es",
)  # fmt: skip
CUES_BEHIND = (
    "scrap", "cancel", "delet", "eras", "spoke", "soon", "revis", "redo", "recon", "rech", "recomp", "recalc",
    "rethink",
    "lost", "stuck", "confus", "disagre", "still", "yet", "have to", "must",
    "off", "suspicious", "fishy", "implaus", "unsatisf", "bogus", "blunder", "typo", "accord", "guess", "unable",
    "would",
    "answered", "declare", "proclaim", "report", "argue", "believ", "announce", "assume", "insist",
    "suggest", "told", "tell", "wrote", "writes", "state",
    "cannot", "can't", "could", "maybe", "perhaps", "possibly", "overlook", "it's", "unfortunate", "sad",
    "?", "if", "unless", "were", "wrong", "incorrect", "mist", "error", "fals", "fal", "faux", "fau", "imposs",
    "untrue", "nonsens", "invalid", "absurd", "inaccura", "not", "n't", "n’t", "no", "what", "trap", "misconc",
    "contradict", "slip", "out of", "correct", "oops", "scratch", "strike", "never", "forget", "disagree", "i take",
    "retract", "withdraw", "wait", "hold", "actually", "hmm", "sorry", "miscount", "miscalc", "misread", "misunder",
    "miscomp", "mixed", "messed", "doubt", "deny", "had", "korrektur", "stimmt", "rechen", "erreur", "incorrecte",
    "tromp", "equivoc", "sbagliat", "errad", "errei", "ignor", "disreg", "discard", "fail", "viola", "too ", "ruled",
    "exclud", "reject", "extran", "only", "meant", "bad", "？", "but", "kidding", "whoops", "should", "rather", "err",
    "ugh", "or ", "then again", "off by", "true", "right", "marked",
    "ain't", "ain’t", "flaw",
    "erron", "say", "said", "claim", "think", "though", "however",
)  # fmt: skip
"""Cues: ASCII words of which one stands in whatever the patterns find. Most texts have none, and need no other look."""
