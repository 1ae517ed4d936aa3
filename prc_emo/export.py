"""A trained run as one folder that needs no base model and no adapter: for vLLM, `transformers serve`, and `PRCEmo.load`.

    config.json  model.safetensors  tokenizer.json ...  template.j2  prc_emo.json  store/

Where training had the base model quantised, the adapter is merged into the unquantised one, to which it was not fitted
exactly; `prc_emo.verify` shows what that changes.
"""

from collections.abc import Callable
from pathlib import Path

from prc_emo import saved
from prc_emo.errors import PrcEmoError
from prc_emo.files import sha256_file
from prc_emo.recognizer import PRCEmo


def export(run: Path, out: Path, tell: Callable[[str], None] = lambda line: None) -> None:
    """Writes the merged model of a run to the new folder `out`.

    Args:
        tell: Receives what whoever serves the model must know.

    Raises:
        PrcEmoError: `out` holds something already, the run is no PRC-Emo with an adapter, or it hears.
    """
    from prc_emo.llm import merged

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PrcEmoError(f"{out}: expected a new folder, and there is something. Name another with --out.")
    folder = saved.folder_of(run)
    found, _ = saved.read(folder, None)
    if found.merged is not None:
        raise PrcEmoError(f"{folder}: its adapter is merged already. Copy the folder.")
    if found.speech is not None:
        raise PrcEmoError(
            f"{folder}: this model hears, and no server would know its ears. Serve the run itself with prc-emo serve."
        )
    if found.loading.get("quantization", "none") != "none":
        tell(
            "The base model was quantised in training. The adapter is merged into the unquantised one, which answers "
            "differently: see how much with prc-emo verify."
        )
    model = PRCEmo.load(folder, loading={"quantization": "none"})
    lm = model.language_model
    if lm.prefix:
        tell(
            f"{lm.name} reads a prompt in both directions, and vLLM and transformers serve only from left to right: they would "
            "answer something else. prc-emo read, chat and serve take the folder as it is."
        )
    names = merged.write(lm, out)
    files = {name: sha256_file(out / name) for name in names}
    model.describe(out, saved.Merged(prefix=lm.prefix, files=files))
