"""Reports of a pack: the quality report of each language, as a page and as PDF."""

from __future__ import annotations

import re
from pathlib import Path

from dubkit.deliver.deliverable import Deliverable, Packing
from dubkit.errors import DubkitError

PAGE = "report.html"


def write_reports(packing: Packing) -> None:
    """Write the report of each language with the pictures that it shows."""
    for language in packing.languages:
        context = packing.within(language)
        page = context.store.path(PAGE, language)
        if not page.is_file():
            packing.say(
                "pack-incomplete",
                f"{language} was not checked, so there is no report. Run: dubkit run {context.source} "
                f"--to {language}",
            )
            continue
        html = page.read_text("utf-8")
        stem = f"reports/{packing.name}.{language}"
        packing.file(f"{stem}.html", language=language).write_text(_alone(html), "utf-8")
        try:
            raw = write_pdf(html, page.parent)
        except DubkitError as error:
            packing.say("pack-without", f"The report of {language} is a page only. {error}")
            continue
        packing.file(f"{stem}.pdf", language=language).write_bytes(raw)


_MEDIA = re.compile(r"<(video|audio)\b.*?</\1>|<img\b[^>]*>", re.DOTALL | re.IGNORECASE)


def _alone(html: str) -> str:
    """Return a page without the films, sounds and pictures that do not lie beside it in a pack."""
    return _MEDIA.sub("", html)


_LEFT_OUT = re.compile(
    r"<(script|style|svg|video|audio|button|template)\b.*?</\1>", re.DOTALL | re.IGNORECASE
)
"""What paper cannot play, and the style of the screen, whose grids take a printer minutes."""

STYLE = """
@page { size: A4; margin: 16mm 14mm;
        @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif } }
body { font: 9.5pt/1.4 "DejaVu Sans", "Noto Sans", "Noto Sans CJK JP", sans-serif; color: #111 }
h1 { font-size: 17pt; margin: 0 0 4pt }
h2 { font-size: 12pt; margin: 14pt 0 4pt }
h3 { font-size: 10.5pt; margin: 8pt 0 2pt }
table { border-collapse: collapse; width: 100% }
td, th { border: .4pt solid #999; padding: 2pt 4pt; text-align: left }
article, section { margin-bottom: 6pt }
img { max-height: 26mm }
dt { font-weight: bold }
dd { margin: 0 0 2pt 0 }
a { color: inherit; text-decoration: none }
"""


def write_pdf(html: str, folder: Path) -> bytes:
    """Return a report as PDF; it may show pictures of the episode that `folder` lies in, and no others.

    The same page gives the same bytes. Raises DubkitError where WeasyPrint or its libraries are missing.
    """
    try:
        import weasyprint  # type: ignore[import-untyped]
    except ImportError:
        raise DubkitError('PDF needs WeasyPrint: pip install "dubkit[pdf]"') from None
    except OSError as error:
        # Its own text is a page long and names one library of several.
        raise DubkitError(
            f"WeasyPrint cannot load Pango ({str(error).splitlines()[0]}). Install it with your system's "
            "packages, such as libpango-1.0-0 and libpangoft2-1.0-0."
        ) from None
    page = _LEFT_OUT.sub("", html)
    document = weasyprint.HTML(
        string=page, base_url=f"{folder.resolve().as_uri()}/", url_fetcher=_fetcher(folder)
    )
    raw: bytes = document.write_pdf(stylesheets=[weasyprint.CSS(string=STYLE)])
    return raw


def _fetcher(folder: Path) -> object:
    """Return what opens the pictures of a page: files of the episode only."""
    from urllib.parse import unquote, urlsplit
    from urllib.request import url2pathname

    root = folder.resolve().parent

    def fetch(url: str, *_: object, **__: object) -> dict[str, object]:
        parts = urlsplit(url)
        path = Path(url2pathname(unquote(parts.path))).resolve()
        if parts.scheme != "file" or root not in path.parents:
            raise ValueError(f"{url} is not a file of the episode")
        return {"file_obj": path.open("rb")}

    return fetch


REPORTS = Deliverable("reports", "Quality report as page and PDF", ("studio",), write_reports)
