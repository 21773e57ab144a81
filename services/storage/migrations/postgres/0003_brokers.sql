-- When each broker last reported, so that what one said that never comes back can be taken back.

create table brokers (
    name bytea primary key,
    heard_at bigint not null
);
insert into brokers (name, heard_at) select distinct broker, 0 from presence;
