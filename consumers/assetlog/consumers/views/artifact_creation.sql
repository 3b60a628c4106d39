-- artifact_creation: where the artifact $id was created and its key, as of $p; retired ones, too.
select pos, key from artifacts where act = 'created' and id = $id and pos <= $p order by pos desc limit 1
