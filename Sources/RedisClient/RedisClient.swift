/// RedisClient
