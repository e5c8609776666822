"""Which hosts the values of the environment may be sent to: a recipe names both, and may come from a stranger.

A key goes to the providers that it is known for, to this machine, and to hosts that the user named for it
(`--trust HOST`, or a yes on the terminal), which are remembered outside every workspace.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cotfactory.flows.host.remembered import Remembered, remember, remembered, remembered_file
from cotfactory.flows.settings import ENVIRONMENT, VARIABLE, asked_url, has_key
from cotfactory.generators.teacher.proxy import is_loopback
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.teacher_spec import TeacherSpec

PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "ANTHROPIC_API_KEY": ("api.anthropic.com",),
    "AZURE_OPENAI_API_KEY": (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"),
    "CEREBRAS_API_KEY": ("api.cerebras.ai",),
    "DASHSCOPE_API_KEY": ("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com"),
    "DEEPINFRA_API_KEY": ("api.deepinfra.com",),
    "DEEPSEEK_API_KEY": ("api.deepseek.com",),
    "FIREWORKS_API_KEY": ("api.fireworks.ai",),
    "GEMINI_API_KEY": ("generativelanguage.googleapis.com",),
    "GOOGLE_API_KEY": ("generativelanguage.googleapis.com",),
    "GROQ_API_KEY": ("api.groq.com",),
    "HF_TOKEN": ("router.huggingface.co",),
    "MISTRAL_API_KEY": ("api.mistral.ai",),
    "MOONSHOT_API_KEY": ("api.moonshot.ai", "api.moonshot.cn"),
    "NVIDIA_API_KEY": ("integrate.api.nvidia.com",),
    "OPENAI_API_KEY": ("api.openai.com", "eu.api.openai.com", "us.api.openai.com"),
    "OPENROUTER_API_KEY": ("openrouter.ai",),
    "PERPLEXITY_API_KEY": ("api.perplexity.ai",),
    "SAMBANOVA_API_KEY": ("api.sambanova.ai",),
    "TOGETHER_API_KEY": ("api.together.xyz", "api.together.ai"),
    "XAI_API_KEY": ("api.x.ai",),
    "ZAI_API_KEY": ("api.z.ai", "open.bigmodel.cn"),
}
"""Variables by their providers' own names, and where those providers answer; a leading dot stands for any host below,
where the provider itself answers under every name: not where a customer's own program may."""


class KeyUse(NamedTuple):
    """A value of the environment that a recipe sends to a host."""

    variable: str
    host: str

    def __str__(self) -> str:
        return f"the value of {self.variable} to {self.host}"


def unbound_keys(recipe: Recipe, environment: Mapping[str, str] = ENVIRONMENT) -> tuple[KeyUse, ...]:
    """Return what a recipe would send to hosts that it is not bound to, without repeats. Raises RecipeError."""
    known = _remembered(environment)
    uses = {use: None for spec in recipe.teachers for use in _uses(spec, environment)}
    return tuple(use for use in uses if not _is_bound(use, environment) and use.variable not in known.get(use.host, ()))


def refuse_unbound_keys(recipe: Recipe, environment: Mapping[str, str] = ENVIRONMENT) -> None:
    """Raise RecipeError where a recipe would send a key to a host that it is not bound to."""
    unbound = unbound_keys(recipe, environment)
    if unbound:
        hosts = " ".join(f"--trust {host}" for host in dict.fromkeys(use.host for use in unbound))
        raise RecipeError(
            f"Recipe {recipe.name!r} sends {' and '.join(map(str, unbound))}: expected a key to go only to its "
            "provider, to this machine, or where you said",
            f"if it belongs there, say so once: {hosts}",
        )


def trust(recipe: Recipe, hosts: Iterable[str], environment: Mapping[str, str] = ENVIRONMENT) -> None:
    """Remember that what the recipe sends to these hosts may go there, for every later recipe too.

    Raises RecipeError for a host to which the recipe sends nothing of the environment: it is misspelt.
    """
    uses = {use for spec in recipe.teachers for use in _uses(spec, environment)}
    wanted = [host.lower() for host in hosts]
    for host in wanted:
        if not any(use.host == host for use in uses):
            named = ", ".join(sorted({use.host for use in uses})) or "none"
            raise RecipeError(
                f"--trust {host}: recipe {recipe.name!r} sends no value of the environment there",
                f"name one of the hosts that it sends one to: {named}",
            )
    _remember([use for use in uses if use.host in wanted], environment)


def trust_what_is_answered_yes(recipe: Recipe, hosts: Sequence[str], ask: Callable[[str], bool] | None) -> None:
    """Trust `hosts`, and what `ask` (None where nobody can be asked) says yes to. Raises RecipeError as `trust`."""
    trust(recipe, hosts)
    unbound = unbound_keys(recipe) if ask is not None else ()
    if ask is not None and unbound:
        _remember(
            [use for use in unbound if ask(f"Recipe {recipe.name!r} sends {use}. Does it belong there?")], ENVIRONMENT
        )


def trusted_hosts_file(environment: Mapping[str, str] = ENVIRONMENT) -> Path:
    """Return the file that remembers: `cotfactory/trusted_hosts.json` in XDG_CONFIG_HOME, or in ~/.config."""
    return remembered_file("trusted_hosts", environment)


def _uses(spec: TeacherSpec, environment: Mapping[str, str]) -> list[KeyUse]:
    if spec.is_local or spec.start is not None:  # these are servers of this machine's own
        return []
    urls: Sequence[str | None] = spec.base_urls or (spec.base_url,)
    found = []
    for url in urls:
        host = (
            urlsplit(asked_url(spec.model_copy(update={"base_url": url}), environment) or "").hostname or ""
        ).lower()
        names = [name for text in (_behind_host(url or ""), *spec.headers.values()) for name in VARIABLE.findall(text)]
        if has_key(spec, environment):
            names.append(spec.api_key_env)
        found += [KeyUse(name, host) for name in names if environment.get(name)]
    return [use for use in found if use.host]


def _behind_host(url: str) -> str:
    """Return what of a URL would tell its host a secret: all, unless one variable gives scheme and host alone.

    `${GATEWAY}/v1` is asked at a URL of the user's own environment; `https://${NAME}.example/v1` hands a value on.
    """
    first = VARIABLE.match(url)
    return url[first.end() :] if first and url[first.end() : first.end() + 1] in ("", "/", "?") else url


def _is_bound(use: KeyUse, environment: Mapping[str, str]) -> bool:
    own_host = urlsplit(environment.get("OPENAI_BASE_URL", "")).hostname
    if is_loopback(use.host) or (use.variable == "OPENAI_API_KEY" and use.host == own_host):
        return True
    return any(
        use.host.endswith(name) if name.startswith(".") else use.host == name
        for name in PROVIDERS.get(use.variable, ())
    )


def _remembered(environment: Mapping[str, str]) -> Remembered:
    return remembered(trusted_hosts_file(environment))


def _remember(uses: Sequence[KeyUse], environment: Mapping[str, str]) -> None:
    hosts: Remembered = {}
    for use in uses:
        hosts.setdefault(use.host, []).append(use.variable)
    if hosts:
        remember(trusted_hosts_file(environment), hosts)
