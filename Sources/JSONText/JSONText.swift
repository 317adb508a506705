/// JSONText
