/// RedisWire
