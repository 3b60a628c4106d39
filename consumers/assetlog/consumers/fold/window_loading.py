"""The window as it was when the file was last written."""

from __future__ import annotations

from assetlog.consumers.fold.identity import Identity
from assetlog.consumers.fold.store import FOLD_SQL, Store
from assetlog.consumers.fold.window import Seen, Window
from assetlog.consumers.views.sql import statement


def load_window(store: Store, size: int) -> Window:
    """The window of a projection; bodies' hashes are not known any more."""
    window = Window(size)
    for tid, hid in statement("before_window", FOLD_SQL).run(store.reader, {"size": size}).fetchall():
        for timed, key in ((True, tid), (False, hid)):
            if key is not None:
                window.let_go(Identity(timed, key))
    for position, tid, hid in statement("window", FOLD_SQL).run(store.reader, {"size": size}).fetchall():
        window.add(Identity(tid is not None, tid or hid), Seen(position, None))
    return window
