-- aliases: run-time aliases and the assets they stood for as of $p.
select alias, list(distinct key order by key) as assets, max(pos) as pos
from alias_assets join keys using (aid)
where pos <= $p and alias > $after
group by alias
order by alias
limit $limit
