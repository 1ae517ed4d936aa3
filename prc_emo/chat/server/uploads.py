"""The recordings of one request: files in a temporary folder of its own, which goes when the request is answered."""

from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from prc_emo.chat.reader import Reader, deaf
from prc_emo.chat.server.errors import Refusal
from prc_emo.chat.server.forms import RecordingForm
from prc_emo.errors import PrcEmoError
from prc_emo.speech.audio import seconds_in


class Uploads:
    """Takes in recordings; leave it with `with`, and nothing of them is left.

    Args:
        seconds: How much sound they may hold together, as far as it is heard.
    """

    def __init__(self, reader: Reader, seconds: float) -> None:
        self._reader, self._most, self._seconds = reader, seconds, 0.0
        self._folder: TemporaryDirectory[str] | None = None
        self._count = 0

    def __enter__(self) -> "Uploads":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def take(self, recording: RecordingForm | None, param: str) -> Path | None:
        """The file of a recording; None where there is none.

        Raises:
            Refusal: The model hears nothing, or the request holds too much sound; `param` is where in it.
        """
        if recording is None:
            return None
        if not self._reader.hears:
            raise Refusal(422, str(deaf(self._reader, param)), param=param)
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="prc-emo-")
        self._count += 1
        file = Path(self._folder.name) / f"{self._count}.{recording.format}"
        file.write_bytes(recording.data)
        try:
            self._seconds += seconds_in(file)
        except PrcEmoError as error:  # soundfile is not installed
            raise Refusal(500, str(error), param=param) from None
        if self._seconds > self._most:
            raise Refusal(
                422,
                f"Expected at most {self._most:g} s of sound in a request, got more. Send fewer recordings at once.",
                param=param,
            )
        return file
