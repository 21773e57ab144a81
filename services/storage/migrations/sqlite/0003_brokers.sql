-- When each broker last reported, so that what one said that never comes back can be taken back.

create table brokers (
    name blob primary key,
    heard_at integer not null
) strict, without rowid;
insert into brokers (name, heard_at) select distinct broker, 0 from presence;
