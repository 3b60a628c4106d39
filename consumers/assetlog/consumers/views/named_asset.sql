-- named_asset: the asset whose key is $key as of $p, and whether any asset is an alias by then.
select aid, exists (select 1 from aliases where pos <= $p) from keys where key = $key and first_pos <= $p
