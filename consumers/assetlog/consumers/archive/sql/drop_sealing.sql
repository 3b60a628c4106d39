-- drop_sealing: free what a part took.
drop table sealing
