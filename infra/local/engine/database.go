package engine

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"io"
	"io/fs"
	"os"
)

// emptyDatabase is what Dynoxide 1.2.1 creates at its first start, and an index
// that it lacks. Without the index each write to a table with a stream scans
// all stream records ever written (2.3 ms after 30,000 of them, and growing;
// 0.6 ms and level with it). Made by
//
//	dynoxide serve --db-path empty.db   # end it once it listens
//	sqlite3 empty.db 'CREATE INDEX stream_by_number ON _stream_records (table_name, CAST(sequence_number AS INTEGER)); VACUUM'
//	gzip -9n empty.db
//
//go:embed empty.db.gz
var emptyDatabase []byte

// createDatabase writes an empty database to path unless there is one. It
// appears whole or not at all.
func createDatabase(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	unzip, err := gzip.NewReader(bytes.NewReader(emptyDatabase))
	if err != nil {
		return err
	}
	data, err := io.ReadAll(unzip)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
