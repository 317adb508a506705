/// HTTPGateway
