package usage

// ReadEvent reads an entry in whatever shape it is.
var ReadEvent = readEvent
