/// Callers build commands and read values of the wire; they need not know that those live one module below.
@_exported public import RedisWire
