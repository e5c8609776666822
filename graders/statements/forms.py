r"""Where a response says that an answer follows: "the answer is", "Answer:", "答案：", a heading, a table's cell.

One list of forms by language. A form is a noun that means the answer and what binds it to the value; words between
them ("the answer to the second part is") are part of it.
"""

import re
from dataclasses import dataclass

from cotfactory.graders.boxes import MAX_STATEMENTS
from cotfactory.graders.statements.words import matches_at, places_of

SHORTEST_CHARS = 2
"""No statement in words is shorter: `选C。`, `답：42`."""

_LEAD = re.compile(r"(?:(?P<lead>[A-Za-z'’-]{1,20})[ \t]{1,8})?(?P<final>final[ \t]{1,8})?\Z", re.IGNORECASE)
_LEAD_CHARS = 40
_ENGLISH = re.compile(
    r"(?<![A-Za-z])(?:answer(?:s|[ \t]+(?:to|for|of|(?:that[ \t]+)?(?:we|I|you))[ \t][^.:\n]{1,80}?"
    r"|[ \t]+(?:here|below|above)"
    r"|[ \t]+\([^()\n]{1,40}\))?"
    r"|(?<=final )result)"
    r"(?:,[ \t][a-z]{1,20}(?:[ \t][a-z]{1,20})?,)?"
    r"[ \t]*(?:\*\*|__|\*|\}|\\\))?[ \t]*(?P<verb>\b(?:is|are|equals|(?:would|should|must|will"
    r"|has[ \t]to)[ \t](?!not\b|never\b)(?:[a-z]{2,12}[ \t])?be"
    r"|(?:comes|works)[ \t]out[ \t](?:to[ \t]be|to|as|at)|comes[ \t]to|turns[ \t]out[ \t]to[ \t]be)\b"
    r"|[:：=→➜⇒➡⟶]|[ \t](?:[-–—]"
    r"|[-=]>)[ \t])"
    r"[ \t]*(?:\*\*|__|\*(?=[ \t]))?[ \t]*(?P<colon>[:：])?",
    re.IGNORECASE,
)
_ENGLISH_WORDS = ("answer", "result")

_COLON = r"[ \t]*(?:\*\*)?[ \t]*[:：=][ \t]*(?:\*\*)?"
OTHER_LANGUAGES = {
    "zh": r"(?:最终|最后|正确|标准)?的?答案(?:应该|应当|就|即)?(?:是|为|等于|选)[ \t]*[:：]?"
    rf"|(?:最终|最后|正确|标准)?的?答案{_COLON}|答案[ \t]*(?=[$\\0-9A-J(])"
    rf"|正确(?:的)?选[项择](?:应)?(?:是|为)(?:{_COLON})?|正确(?:的)?选[项择]{_COLON}"
    rf"|^[ \t]*(?:我)?选(?:择)?[ \t]*(?=[(（]?[A-J](?![A-Za-z]))|^[ \t]*(?:答|解答){_COLON}"
    rf"|(?:故|因此|所以|应该?|综上[，,]?|本题|此题)(?:本题|答案|应)?选(?:择)?(?:{_COLON})?",
    "ja": rf"(?:最終的な)?(?:答え?|解答|正解|回答)(?:は|が)?(?:{_COLON})?(?<=[は:：=])[、,]?",
    "ko": rf"(?:최종[ \t]?)?(?:정답|답)(?:은|이|는)?(?:{_COLON}|[ \t])",
    "de": rf"\b(?:(?:endgültige|richtige|korrekte|finale)[ \t])?(?:Antwort|Lösung|Endergebnis)(?:[ \t](?:ist"
    rf"|lautet|wäre)\b(?:[ \t](?:also|daher|somit))?(?:{_COLON})?|{_COLON})"
    rf"|\b(?:richtig|korrekt)[ \t]ist[ \t](?:also[ \t])?(?=\(?[A-J]\b)"
    rf"|\bist[ \t]die[ \t](?:richtige[ \t])?Antwort\b(?:{_COLON})?|^[ \t]*\**(?:Ergebnis){_COLON}"
    rf"|\bDas[ \t](?:End)?[Ee]rgebnis[ \t](?:ist|lautet|beträgt)\b",
    "fr": rf"\b(?:bonne[ \t])?réponse(?:[ \t](?:finale|correcte|exacte|juste))?(?:[ \t](?:est"
    rf"|serait)\b(?:[ \t]donc)?(?:{_COLON})?|{_COLON})"
    rf"|^[ \t]*\**(?:Résultat){_COLON}",
    "es": rf"\b(?:respuesta|opción)(?:[ \t](?:final|correcta|exacta))?(?:[ \t](?:es|sería)\b(?:{_COLON})?|{_COLON})"
    rf"|^[ \t]*\**(?:Resultado){_COLON}",
    "it": rf"\brisposta(?:[ \t](?:finale|corretta|esatta))?(?:[ \t](?:è|sarebbe)\b(?:{_COLON})?|{_COLON})",
    "pt": rf"\bresposta(?:[ \t](?:final|correta|certa))?(?:[ \t](?:é|seria)(?!\w)(?:{_COLON})?|{_COLON})",
    "nl": rf"\b(?:juiste[ \t]|uiteindelijke[ \t])?antwoord(?:[ \t]is\b(?:{_COLON})?|{_COLON})",
    "pl": rf"\bodpowiedź(?:[ \t](?:to|brzmi)\b(?:{_COLON})?|{_COLON})",
    "tr": rf"\bcevap(?:{_COLON}|[ \t]+(?=[0-9A-J$\\]))",
    "vi": rf"\b(?:đáp án|câu trả lời)(?:[ \t](?:đúng|cuối cùng))?(?:[ \t](?:là)\b(?:{_COLON})?|{_COLON})",
    "ru": rf"(?<!\w)(?:(?:окончательный|правильный|верный)[ \t])?ответ(?:[ \t](?:равен|будет|это)(?!\w)"
    rf"|{_COLON}|[ \t]*[—–-][ \t]*(?:это[ \t])?)",
    "sv": rf"\b(?:det[ \t])?(?:rätta[ \t]|slutliga[ \t])?svar(?:et)?(?:[ \t](?:är|er)\b(?:{_COLON})?|{_COLON})",
    "fi": rf"\bvastaus(?:[ \t]on\b(?:{_COLON})?|{_COLON})",
    "cs": rf"\b(?:správná[ \t])?odpověď(?:[ \t](?:je|zní)\b(?:{_COLON})?|{_COLON})",
    "hu": rf"\bválasz{_COLON}",
    "ro": rf"\brăspuns(?:ul)?(?:[ \t](?:este|e)\b(?:{_COLON})?|{_COLON})",
    "id": rf"\bjawaban(?:nya)?(?:[ \t]adalah\b(?:{_COLON})?|{_COLON})",
    "el": rf"(?<!\w)(?:απάντηση)(?:[ \t]είναι(?!\w)(?:{_COLON})?|{_COLON})",
    "he": rf"(?<!\w)(?:ה?תשובה)(?:[ \t]היא(?!\w)(?:{_COLON})?|{_COLON})",
    "fa": rf"(?<!\w)(?:پاسخ|جواب)(?:[ \t](?:نهایی|صحیح))?{_COLON}",
    "th": rf"คำตอบ(?:คือ|{_COLON})",
    "uk": rf"(?<!\w)відповідь(?:{_COLON}|[ \t]*[—–-][ \t]*)",
    "ar": rf"(?:الإجابة|الجواب|الاجابة)(?:[ \t](?:النهائية|النهائي|الصحيحة|الصحيح))?(?:[ \t](?:هي"
    rf"|هو)(?!\w)(?:{_COLON})?|{_COLON})",
    "hi": rf"उत्तर(?:[ \t]है)?{_COLON}",
}
"""How other languages say that an answer follows, ended where the value begins."""

_OTHERS = re.compile("|".join(f"(?:{form})" for form in OTHER_LANGUAGES.values()), re.IGNORECASE | re.MULTILINE)
_WORDS_OF_OTHERS = (
    "antwo", "lösung", "ergebnis", "réponse", "résultat", "respuesta", "opción", "resultado", "risposta",
    "resposta", "odpowied", "cevap", "đáp án", "câu trả lời", "ответ", "відповідь", "答", "选", "正解", "정답", "답",
    "الإجابة", "الجواب", "الاجابة", "उत्तर", "svar", "vastaus", "odpově", "válasz", "răspuns", "jawaban", "απάντηση",
    "תשובה", "پاسخ", "جواب", "คำตอบ", "richtig ist", "korrekt ist",
)  # fmt: skip
"""Words of which one stands in every form of another language."""

_HEADING = re.compile(
    r"[ \t]*(?:(?P<mark>#{1,6}[ \t]*|\*\*|__)[ \t]*(?:the[ \t])?(?P<final>final[ \t])?|(?:the[ \t])?final[ \t])"
    r"(?:answer|result)s?[ \t]*(?:\*\*|__)?[ \t]*\n\s*(?:(?:\*\*|__)?[ \t]*[-=]{3,}[ \t]*\n\s*)?(?:[-*][ \t]+)?(?=\S)",
    re.IGNORECASE,
)
_UNDERLINED = re.compile(
    r"[ \t]*(?:the[ \t])?(?P<final>final[ \t])?(?:answer|result)s?[ \t]*\n[ \t]*(?:-{3,}|={3,})[ \t]*\n\s*(?=\S)", re.I
)
_CELL = re.compile(r"(?<=\|)[ \t]*(?:\*\*)?(?:final[ \t])?answer(?:\*\*)?[ \t]*\|[ \t]*(?=[^\s|-])", re.IGNORECASE)
_ABBREVIATED = re.compile(r"(?<![^\s*])ans\b\.?(?:\*\*)?[ \t]*[:=：]?[ \t]*(?=[^\s.:=])(?!is\b)", re.IGNORECASE)

_NOT_OWN = {
    "expected", "reference", "gold", "given", "target", "wrong", "incorrect", "previous", "student", "student's",
    "model", "sample", "example", "their", "his", "her", "your", "ground-truth", "truth", "no", "possible", "user's",
    "student’s", "any", "an", "every", "each", "alternative", "intermediate", "partial", "another",
    "false", "naive", "tempting", "rejected", "old", "former", "initial", "proposed", "suggested", "claimed", "alleged",
}  # fmt: skip
_OF_SOMEBODY = re.compile(r"(?!Today|Problem|Question)[A-Z][a-z]+['’]s\Z")
_OF_ANOTHER = re.compile(
    r"\bto (?:the|an?|that|another|my|your) (?:(?:previous|preceding|earlier|last|other|different|similar"
    r"|related)\b|wrong\b)"
)
_ABOUT_IT = {"this", "that"}


@dataclass(frozen=True)
class Form:
    """A place where a response says that its answer follows.

    `start` and `end` are the span of the words that say so, `is_final` whether they say "final", `is_about` whether
    they speak of an answer that was given before ("this answer is ..."), `is_heading` whether they stand alone in
    their line.
    """

    start: int
    end: int
    is_final: bool = False
    is_about: bool = False
    is_heading: bool = False


def find_forms(text: str) -> list[Form]:
    """Return the places of a response where an answer is announced in words, in order (of many the last ones)."""
    if len(text) < SHORTEST_CHARS:
        return []
    lowered = text.lower()
    found = _english(text, lowered) if "answer" in lowered or "result" in lowered else []
    if "ans" in lowered:
        found += [Form(*match.span()) for match in matches_at(_ABBREVIATED, text, lowered, ("ans",))]
    if any(word in lowered for word in _WORDS_OF_OTHERS):
        found += [Form(*match.span()) for match in list(_OTHERS.finditer(text))[-MAX_STATEMENTS:]]
    return _apart(found)


def _english(text: str, lowered: str) -> list[Form]:
    found = []
    for match in matches_at(_ENGLISH, text, lowered, _ENGLISH_WORDS)[-MAX_STATEMENTS:]:
        before = _LEAD.search(text[max(0, match.start() - _LEAD_CHARS) : match.start()])
        assert before is not None
        lead = (before["lead"] or "").lower()
        if _OF_ANOTHER.search(match[0]) or lead in _NOT_OWN or _OF_SOMEBODY.match(before["lead"] or ""):
            continue
        is_about = lead in _ABOUT_IT
        if is_about and not match["verb"].strip().isalpha():
            continue  # "questions about this answer: ask"
        start = match.start() - len(before[0])
        found.append(Form(start, match.end(), bool(before["final"]) or lead == "final", is_about))
    if len(lowered) != len(text):
        return found
    for place in places_of(_ENGLISH_WORDS, lowered)[-MAX_STATEMENTS:]:
        line = text.rfind("\n", 0, place) + 1
        if place - line < _LEAD_CHARS and (heading := _HEADING.match(text, line)):
            is_final = bool(heading["final"]) or not heading["mark"]
            found.append(Form(line, heading.end(), is_final, is_heading=True))
        elif place - line < _LEAD_CHARS and (underlined := _UNDERLINED.match(text, line)):
            found.append(Form(line, underlined.end(), bool(underlined["final"]), is_heading=True))
        cell = text.rfind("|", line, place) + 1
        if cell and (labelled := _CELL.match(text, cell)):
            found.append(Form(cell, labelled.end()))
    return found


def _apart(found: list[Form]) -> list[Form]:
    """Return forms in order, of several that end or begin in one place the first."""
    kept: list[Form] = []
    for form in sorted(found, key=lambda form: (form.start, -form.end)):
        if not kept or form.start >= kept[-1].end:
            kept.append(form)
    return kept[-MAX_STATEMENTS:]
