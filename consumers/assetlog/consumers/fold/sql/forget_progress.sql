-- forget_progress: only the newest progress is ever read.
delete from progress where pos < $p
