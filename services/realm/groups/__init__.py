"""Groups between realms: one has its home in one realm, and members anywhere.

Here, one file a noun. At home: ``following`` (other realms are told what is said and who is a member),
``parting`` (a realm that we are paired with no longer). Where members are: ``joining`` (asked at home, and a
copy begun), ``copying`` (what was said), ``membership`` (who is in it), ``asking`` (other questions to the
home), ``names`` (how people are called here and there). Leaving is the group service's, for it asks nobody.

The home's numbers count. A copy holds 1 to its ``last_seq`` without holes, and fills from the front.
"""
