/// Observability
