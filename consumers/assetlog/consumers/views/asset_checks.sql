-- asset_checks: the last result of each check of the assets $roots as of $p: whether it spoils the asset.
-- with alias_roots
select
    coalesce(root, aid) as aid, name, part,
    not arg_max(passed, pos) and arg_max(severity, pos) = 'error' as spoils
from checks
left join alias_roots on member = aid
where pos <= $p and coalesce(root, aid) in (select unnest($roots::integer[]))
group by 1, 2, 3
