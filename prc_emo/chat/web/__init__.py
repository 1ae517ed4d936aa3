"""The web page of `prc-emo serve`: `mount` puts it on a server. What a visitor may do is in `tab`, how it looks in `drawn`."""

from prc_emo.chat.web.page import mount, page

__all__ = ["mount", "page"]
