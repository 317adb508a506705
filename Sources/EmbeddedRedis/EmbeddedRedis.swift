/// EmbeddedRedis
