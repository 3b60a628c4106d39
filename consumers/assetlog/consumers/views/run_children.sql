-- run_children: the runs that the run $id started, as of $p, in the order they were first heard of.
select run from runs where pos <= $p and parent = $id group by run order by min(pos)
