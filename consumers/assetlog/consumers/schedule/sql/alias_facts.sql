-- alias_facts: which run-time aliases stood for an asset between two positions.
select pos, aid, alias from alias_assets where pos > $after and pos <= $p order by pos
