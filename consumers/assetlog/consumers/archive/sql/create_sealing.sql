-- create_sealing: what a seal took from the log, and what its envelopes say.
create or replace temp table sealing(position bigint, event blob, source varchar, id varchar, subject varchar)
