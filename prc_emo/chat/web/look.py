"""The page on a server, in its own colours: Gradio's theme, our styles and the script. Knows no conversation."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from prc_emo import files
from prc_emo.chat.recordings import MOST
from prc_emo.chat.web.tab import MOST_BYTES

_HERE = Path(__file__).parent


def mount(app: FastAPI, blocks: gr.Blocks, *, login: Callable[[str, str], bool] | None = None) -> FastAPI:
    """Puts the page at / of a server; routes that the server has already come first.

    Uploads may be as large as what may be added, and as a recording where the page takes recordings. The styles are ours and
    the fonts those of the system, so that the page asks nobody but this server for anything.

    Args:
        login: Whether a name and a password may see the page; None lets everybody who reaches the server.
    """
    # otherwise Gradio takes any path of the server for a file that the visitor has uploaded
    blocks.has_launched = True
    takes_recordings = any(isinstance(one, gr.Audio) and one.visible for one in blocks.blocks.values())
    app = gr.mount_gradio_app(
        app,
        blocks,
        "/",
        auth=login,
        theme=_theme(),
        css=files.read_text(_HERE / "page.css"),
        head=f"<script>{files.read_text(_HERE / 'page.js')}</script>",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        max_file_size=MOST if takes_recordings else MOST_BYTES,
    )
    # an open page listens until it is told that nothing more comes
    app.state.stopping = app.routes[-1].app.stop_event.set  # type: ignore[attr-defined]
    return app


def _theme() -> gr.Theme:
    """The colours of the reports."""
    card, card_dark, line, line_dark = "#ffffff", "#1d2127", "#dcdad4", "#353b44"
    accent, accent_dark = "#2b6cb0", "#6cb0f5"
    return gr.themes.Base(
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
        radius_size=gr.themes.sizes.radius_md,
    ).set(
        body_background_fill="#f6f5f2",
        body_background_fill_dark="#14171b",
        body_text_color="#1f2328",
        body_text_color_dark="#e6e8eb",
        body_text_color_subdued="#59626c",
        body_text_color_subdued_dark="#a0a9b3",
        background_fill_primary=card,
        background_fill_primary_dark=card_dark,
        block_background_fill=card,
        block_background_fill_dark=card_dark,
        block_border_color=line,
        block_border_color_dark=line_dark,
        block_label_text_color="#59626c",
        block_label_text_color_dark="#a0a9b3",
        block_title_text_color="#59626c",
        block_title_text_color_dark="#a0a9b3",
        block_title_text_weight="500",
        border_color_primary=line,
        border_color_primary_dark=line_dark,
        input_background_fill=card,
        input_background_fill_dark="#14171b",
        input_border_width="1px",
        input_border_color="#8b8f94",
        input_border_color_dark="#6b7480",
        input_border_color_focus=accent,
        input_border_color_focus_dark=accent_dark,
        input_placeholder_color="#6b737c",
        input_placeholder_color_dark="#8d97a3",
        button_primary_background_fill=accent,
        button_primary_background_fill_dark=accent_dark,
        button_primary_background_fill_hover="#245c97",
        button_primary_background_fill_hover_dark="#8cc2f8",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#10151b",
        button_secondary_background_fill=card,
        button_secondary_background_fill_dark=card_dark,
        button_secondary_background_fill_hover="#eeece7",
        button_secondary_background_fill_hover_dark="#2a3038",
        button_secondary_border_color=line,
        button_secondary_border_color_dark=line_dark,
        button_border_width="1px",
        button_large_text_weight="500",
        button_small_text_weight="500",
        button_cancel_background_fill="#b3261e",
        button_cancel_background_fill_dark="#ff8f86",
        button_cancel_background_fill_hover="#8f1e18",
        button_cancel_background_fill_hover_dark="#ffaaa3",
        button_cancel_text_color="#ffffff",
        button_cancel_text_color_dark="#10151b",
        color_accent=accent,
        checkbox_background_color_selected=accent,
        checkbox_border_color_selected=accent,
    )
