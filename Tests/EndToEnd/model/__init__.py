"""The rules of the HTTP contract as a pure model: what every call must answer, and what every event must say.

Nothing here talks to a server. Ids, times and tokens that only the server can choose are cells, which take the first
value of the right form that is seen in their place and from then on stand for that value.
"""
