package ses

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// journal is an append-only file of JSON lines. A nil journal keeps nothing.
type journal struct {
	file *os.File
	size int64
}

// openJournal hands each record to read and removes a last line that a crash
// cut off: it was never acknowledged.
func openJournal[T any](path string, read func(T)) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ses: %w", err)
	}
	j := &journal{file: f}
	if err := replay(j, read); err != nil {
		return nil, errors.Join(fmt.Errorf("ses: %s: %w", path, err), f.Close())
	}
	return j, nil
}

func replay[T any](j *journal, read func(T)) error {
	lines := bufio.NewReader(j.file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		var record T
		if err := json.Unmarshal(line, &record); err != nil {
			return fmt.Errorf("record at byte %d: %w", j.size, err)
		}
		read(record)
		j.size += int64(len(line))
	}
	return j.rewind()
}

// append writes a record and waits until it is on disk.
func (j *journal) append(record any) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("ses: %w", err)
	}
	line = append(line, '\n')
	_, err = j.file.Write(line)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("ses: %w", err), j.rewind())
	}
	j.size += int64(len(line))
	return nil
}

// rewind drops what follows the last whole record.
func (j *journal) rewind() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.file.Seek(j.size, io.SeekStart)
	return err
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}
