"""The web page of `prc-emo serve`. What a visitor may do is in `tab`, how it looks in `drawn`; `blocks` and `look` know Gradio.

Gradio is imported with `page` or `mount`, when a server asks for them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prc_emo.chat.web.blocks import page
    from prc_emo.chat.web.look import mount

__all__ = ["mount", "page"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'prc_emo.chat.web' has no attribute {name!r}")
    try:
        from prc_emo.chat.web import blocks, look
    except ModuleNotFoundError as error:
        if error.name not in ("gradio", "fastapi"):
            raise
        from prc_emo.errors import PrcEmoError

        raise PrcEmoError("The page needs Gradio. Install it: pip install 'prc-emo[serve]'.") from None
    return blocks.page if name == "page" else look.mount
