-- state_digest: every asset's rows as of $p, in one count and one sum.
-- with asset_rows
select count(*), sum(hash(x)::hugeint) from asset_rows x
