-- snap_queues: nothing; what waits is shown by what its condition names.
select * from main.snap_queues where false
