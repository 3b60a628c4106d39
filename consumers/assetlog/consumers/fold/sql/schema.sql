-- The projection: append-only tables that the fold fills. No updates, keys, indexes or constraints:
-- state is read as "the last snapshot before $p plus the tail" (see views/), and a change of this file is a rebuild.

-- What this file was folded by, and for which catalog.
create table meta(name varchar not null, value varchar not null);

-- Every event once, in log order. pos = ms << 20 | seq of its stream id.
-- tid: UUIDv7 ids, time first, so that zonemaps prune the exact duplicate check. hid: all other ids. Exactly one is set.
create table log(
    pos bigint not null,
    tid uuid,
    hid uuid,
    type varchar not null,
    aid integer,                -- the asset it is about; null where it is about none
    time timestamp not null,    -- the producer's time; the recorded time where it says none
    run varchar,
    job varchar,
    part varchar
);

-- Asset numbers, dense by first sight in log order (a subject before its upstreams).
create table keys(aid integer not null, key varchar not null, first_pos bigint not null);

-- Lineage: a new (up, down, job) only. job is null where none is named, and for declared upstreams.
create table edges(up integer not null, down integer not null, job varchar, first_pos bigint not null);
create table column_edges(
    up integer not null, up_column varchar not null, down integer not null, down_column varchar not null,
    first_pos bigint not null
);
-- Which jobs make or read an asset: a new (aid, job, role) only; role is 'makes' or 'reads'.
create table job_assets(aid integer not null, job varchar not null, role varchar not null, first_pos bigint not null);

-- asset.described: null where the event says nothing. owners, tags, columns, extra, freshness are JSON text.
create table descriptions(
    pos bigint not null, aid integer not null, name varchar, grp varchar, kind varchar, description varchar,
    url varchar, owners varchar, tags varchar, columns varchar, extra varchar, freshness varchar
);
create table checks(
    pos bigint not null, aid integer not null, name varchar not null, passed boolean not null, severity varchar not null,
    part varchar, run varchar
);
-- asset.aliased: `other` names the same thing as `aid`. alias.resolved: a run-time alias stood for an asset.
create table aliases(pos bigint not null, aid integer not null, other integer not null);
create table alias_assets(pos bigint not null, alias varchar not null, aid integer not null);

-- act: created, updated, retired. id: the artifact's id (the id of its artifact.created event).
create table artifacts(
    pos bigint not null, act varchar not null, id varchar, key varchar, type varchar, aid integer, run varchar
);
-- act: started, succeeded, failed, skipped.
create table runs(
    pos bigint not null, act varchar not null, run varchar not null, job varchar, parent varchar, time timestamp not null,
    duration double, error varchar
);

-- consumer.*: act: registered, paused, resumed, removed, due. data: what the event says, as JSON text.
create table consumers(pos bigint not null, act varchar not null, name varchar not null, data varchar not null);
-- trigger.*: act: fired, void (what it would consume was not queued any more), started, succeeded, failed, exhausted,
-- cancelled (also one that was dropped as it fired), retried. actor: who did it by hand. error: also a reason.
create table triggers(
    pos bigint not null, act varchar not null, trigger varchar not null, consumer varchar not null, part varchar,
    attempt integer, depth integer, duration double, worker varchar, actor varchar, error varchar
);
-- What accepted triggers consumed: the events of an asset and partition in (after_pos, up_to]; ticks have no asset.
create table consumed(
    pos bigint not null, trigger varchar not null, aid integer, part varchar, after_pos bigint not null,
    up_to bigint not null, events integer not null
);

-- What the fold could not take, with the reason; and events of a newer version than this assetlog knows.
create table quarantine(pos bigint not null, code varchar not null, field varchar, detail varchar not null);
create table skipped(pos bigint not null, type varchar not null, version integer not null);

-- How far the fold is and what the log looked like there: at least each second, and wherever a commit ends
-- with an entry that leaves no other row. entry: SHA-256 of the entry at pos; server: the log server's
-- replication id; the counts are totals.
create table progress(
    pos bigint not null, entry blob not null, server varchar not null,
    folded bigint not null, duplicates bigint not null, quarantined bigint not null, skipped bigint not null
);

-- What each asset's own events add up to as of snap_pos, ordered by (snap_pos, aid): views/asset_rows.sql.
-- materialized, failed, overdue: the greatest rank (effective time, then position; of a breach the other way round).
create table snap(
    snap_pos bigint not null, aid integer not null,
    materializations bigint not null, failures bigint not null, observations bigint not null,
    materialized hugeint, failed hugeint, overdue hugeint, retired_pos bigint, active_pos bigint
);

-- Where each asset's partitions began, up to the last snapshot: a new (aid, part) only, added with each snapshot.
create table snap_parts(aid integer not null, part varchar not null, first_pos bigint not null);

-- What was queued for consumers at snap_pos: the queues of consumers/schedule, as JSON.
create table snap_queues(snap_pos bigint not null, state blob not null);
