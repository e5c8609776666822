"""Responses that open by saying that they will not answer, in English and in the usual words of other languages."""

import re

LOOKED_AT = 400
"""Characters: a refusal opens a response."""

_I = r"i(?:['’]m| am)"
_SORRY = (
    rf"(?:{_I} (?:very |so |really |truly |deeply )?sorry|(?:so |very )?sorry|(?:my )?(?:sincere(?:st)? "
    rf"|deepest )?apologies"
    r"|i (?:sincerely |do )?apologi[sz]e|pardon me|unfortunately|regrettably|i regret(?: to (?:say|inform you"
    r"|tell you))?"
    rf"|{_I} afraid|(?:as|{_I}(?: just| only)?) an? [^.,\n]{{0,20}}\b(?:ai|assistant|model)\b[^.,\n]{{0,30}}|no"
    rf"|thank you[^.\n]{{0,60}}"
    r"|thanks[^.\n]{0,60}|i (?:understand|appreciate|see)\b[^.\n]{0,80})"
    r"(?: (?:about|for|to) (?:that|this|any [^.,\n]{1,20}|the [^.,\n]{1,20}))?"
)
_THEN = r"[,.!;:\s—–-]{0,3}\s{0,2}(?:but |however,? |that |and )?"
_CANNOT = (
    rf"(?:i (?:cannot|can['’]?t|can not|could not|couldn['’]?t|won['’]?t(?: be able to)?|will not(?: be able to)?"
    r"|(?:cannot|can['’]?t) and (?:will not|won['’]?t)|do not|don['’]t|shouldn['’]?t|should not"
    r"|would rather not)|i['’]d rather not"
    rf"|{_I} (?:currently )?(?:unable|not able|not allowed|not permitted|not authori[sz]ed|not in a position"
    r"|not designed|not programmed|not going) to"
    rf"|{_I} (?:designed|told|required) not to)"
)
_DECLINE = (
    rf"(?:i (?:must|have to|need to|will|am going to|would like to)? ?(?:respectfully |politely "
    rf"|kindly )?(?:decline|refuse)\b"
    r"|i(?: must| have to| need to| will|['’]ll) (?:pass on|skip|sit out)"
    r" (?:this|that|your)(?: (?:one|question|request|prompt|topic)\b|[.,!;\n])"
    rf"|{_I} (?:programmed|instructed|trained) not to\b"
    rf"|{_I} (?:going|forced|obliged) to (?:have to )?(?:decline|refuse)\b|i(?:['’]d| would) prefer not to"
    r" (?:answer|discuss|do|help|say|respond)\b|i (?:do not|don['’]t) have (?:permission|the permission"
    r"|authori[sz]ation)\b"
    rf"|{_I} not comfortable\b|i (?:do not|don['’]t) feel comfortable\b|i (?:cannot|can['’]?t) in good conscience\b)"
)
_ALWAYS = (
    r"(?:assist\b|help (?:you|with|in|on)\b|help[.!\n]|provide (?:assistance|help|support|you)\b|fulfil|comply\b"
    r"|(?:be )?answer(?:ing)? (?:this|that|the|your|such|any)\b|answer[.!\n]|respond to (?:this|that|your|the"
    r"|such)\b|engage (?:in|with)\b"
    r"|discuss (?:this|that|the|such)\b|go into (?:this|that|such)\b|participate\b"
    r"|process (?:this|that|your) (?:request|question|prompt)"
    r"|(?:complete|continue with|support|do|carry out|perform|solve) (?:this|that|your|the|such)"
    r" (?:task|request|question|prompt|exercise|assignment|conversation))"
)
"""What somebody who refuses will not do; people who compute cannot `complete the square` either."""

_AFTER_SORRY = (
    r"[^.\n]{0,40}\b(?:assist|help|provide|answer|fulfil|fulfill|comply|complete|continue|discuss|do (?:that"
    r"|this|so)|solve"
    r"|process|respond|proceed|go into|engage|generate|share|support|participate|perform)\b"
)
_FORBIDDEN = (
    r"(?:(?:this|that|your|the) (?:request|question|prompt|content|topic|task|problem)"
    r" (?:violates|goes against|is against|conflicts with|falls outside|(?:is not"
    r"|isn['’]t) something (?:that )?i(?:['’]m| am)? "
    r"(?:can|could|will|able|comfortable|willing|allowed)\b|is something (?:that )?i (?:cannot|can['’]?t"
    r"|won['’]?t)|is inappropriate|cannot be (?:answered|fulfil))"
    r"|(?:it|that|this) (?:would|may|might) not be (?:appropriate|right|ethical|responsible) (?:for me to\b"
    r"|to (?:answer|assist|discuss|help|provide|respond)\b)"
    r"|(?:it|that|this)(?:['’]s| is| would be) (?:against|inappropriate|unethical)\b[^.\n]{0,40}\b(?:my|me"
    r"|policy|policies"
    r"|guidelines)\b"
    r"|my (?:guidelines|polic(?:y|ies)|instructions|programming|training|principles) (?:(?:do not|don['’]t|does not"
    r"|doesn['’]t) (?:allow|permit|let)|prevents?|prohibits?|forbids?)\b"
    r"|(?:that|this|it)(?:['’]s| is) (?:outside|beyond)(?: of)? (?:what i\b|the scope of (?:what i|my)\b"
    r"|my (?:scope|abilit|capabilit))"
    r"|(?:that|this|it)(?:['’]s| is) not something (?:that )?i(?:['’]m| am)? "
    r"(?:can|could|will|able|comfortable|willing|allowed)\b)"
)
_ENGLISH = re.compile(
    rf"\A\W*(?:(?:{_SORRY}{_THEN}){{1,3}}(?:(?:{_CANNOT}|cannot|can['’]?t){_AFTER_SORRY}|{_DECLINE}|{_FORBIDDEN})"
    rf"|{_CANNOT}\s(?:really |actually |directly )?{_ALWAYS}|{_DECLINE}|{_FORBIDDEN})",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\A\W*(?:"
    r"(?:je (?:suis|regrette)[^.\n]{0,20}|désolée?|pardon|malheureusement|excusez)[^.\n]{0,60}"
    r"(?:je ne (?:peux|pourrai|puis)(?: pas)?|je ne suis pas (?:en mesure|autorisée?|capable)|il m['’]est impossible)"
    r"|(?:es )?(?:tut mir|leider|entschuldig|verzeih|bedauer)[^.\n]{0,80}\bnicht[^.\n]{0,40}"
    r"(?:helfen|beantworten|antworten|weiterhelfen|bearbeiten|unterstützen|möglich|erfüllen|besprechen)"
    r"|(?:lo siento|lo lamento|disculp|perdón|lamentablemente)[^.\n]{0,60}(?:no (?:puedo|podré|me es posible"
    r"|estoy autorizad))"
    r"|(?:desculp|sinto muito|lamento|infelizmente)[^.\n]{0,60}não (?:posso|consigo|poderei|me é possível)"
    r"|(?:mi dispiace|mi spiace|scusa|purtroppo)[^.\n]{0,60}non (?:posso|sono in grado|mi è possibile)"
    r"|(?:het spijt|sorry|helaas)[^.\n]{0,60}(?:kan|mag)[^.\n]{0,40}niet"
    r"|ik (?:kan|mag) (?:je|u|jou|hier|daar)\b[^.\n]{0,40}\bniet[^.\n]{0,20}(?:helpen|beantwoorden|antwoorden)"
    r"|(?:przykro mi|przepraszam|niestety)[^.\n]{0,60}nie mogę"
    r"|(?:извини|простите|прошу прощения|к сожалению|сожалею)[^.\n]{0,60}не (?:могу|смогу|имею права|в состоянии)"
    r"|(?:üzgünüm|özür dilerim|maalesef)[^.\n]{0,80}(?:olamam|edemem|veremem|yapamam|cevaplayamam)"
    r"|(?:xin lỗi|rất tiếc)[^.\n]{0,60}không thể"
    r"|(?:(?:非常|很|十分|真的?)?(?:抱歉|遗憾|遺憾)|对不起|對不起|不好意思)[^。\n]{0,40}(?:无法|無法|不能|没法|沒法|不便|拒绝)"
    r"|(?:申し訳|すみません|ごめんなさい|残念)[^。\n]{0,60}(?:できません|いたしかねます|できかねます)"
    r"|(?:죄송|미안|유감)[^.\n]{0,80}(?:수 없|어렵습니다|못합니다)"
    r"|(?:عذر|آسف|أعتذر|للأسف)[^.\n]{0,60}لا (?:يمكنني|أستطيع)"
    r"|(?:क्षमा|माफ़|खेद)[^।\n]{0,80}(?:नहीं कर सक|नहीं दे सक|असमर्थ)"
    r")",
    re.IGNORECASE,
)


def refusal(response: str) -> str | None:
    """Return the opening words of a response that says it will not answer."""
    opening = response[:LOOKED_AT]
    match = _ENGLISH.match(opening) or _OTHERS.match(opening)
    return match.group().strip() if match else None
