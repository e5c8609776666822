"""FORMATS: name -> how its rows are read, an explicit dict."""

from collections.abc import Mapping

from cotfactory.generators.imports.distilabel import distilabel
from cotfactory.generators.imports.imported import Format
from cotfactory.generators.imports.messages import messages
from cotfactory.generators.imports.nemo_gym import nemo_gym
from cotfactory.generators.imports.openr1 import openr1
from cotfactory.generators.imports.openthoughts import openthoughts
from cotfactory.generators.imports.synthetic1 import synthetic1
from cotfactory.generators.imports.verifiers import verifiers

FORMATS: Mapping[str, Format] = {
    "nemo-gym": nemo_gym,
    "verifiers": verifiers,
    "openr1": openr1,
    "openthoughts": openthoughts,
    "synthetic1": synthetic1,
    "distilabel": distilabel,
    "messages": messages,
}
