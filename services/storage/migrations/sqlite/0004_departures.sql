-- Who once ceased to be a member of a group, and has not come back: of one that is deleted, nobody else
-- may learn that it ever was, and they are not to take it for lost.

create table departures (
    user_id integer not null,
    conversation_id integer not null,
    primary key (user_id, conversation_id)
) strict, without rowid;
