-- What a replay leaves for people: tables that say what the views said, without our SQL. The schema is not named
-- like a file people would choose (state.duckdb): DuckDB takes the name of a file for its catalog, and could not tell them apart.
create schema answers;
create table answers.assets(
    key varchar, name varchar, "group" varchar, kind varchar, description varchar, url varchar, owners varchar,
    tags varchar, columns varchar, extra varchar, freshness varchar, state varchar, state_reason varchar,
    retired boolean, materializations bigint, failures bigint, observations bigint,
    first_seen timestamp, last_materialization timestamp, last_failure timestamp
);
create table answers.lineage(upstream varchar, downstream varchar, job varchar, first_seen timestamp);
-- The accepted bytes, by position; empty where the replay left them out.
create table answers.bodies(pos bigint not null, event varchar not null);
create view answers.events as
select
    (log.pos >> 20)::varchar || '-' || (log.pos & 1048575)::varchar as position,
    make_timestamp((log.pos >> 20) * 1000) as recorded,
    log.type, keys.key as asset, log.time, log.run, log.job, log.part as "partition", bodies.event
from log
left join keys on keys.aid = log.aid
left join answers.bodies as bodies on bodies.pos = log.pos
