package output

import (
	"encoding/binary"
	"errors"
	"time"
)

// recordVersion begins the form that documents have in a spool.
const recordVersion = 1

// recordHeader is the size of what is before the id: version, kind, severity, the
// time in nanoseconds and the length of the id.
const recordHeader = 3 + 8 + 2

// appendRecord appends a document as it is kept in a spool. The text for a person
// is left out.
func appendRecord(dst []byte, d *Document) []byte {
	id := d.ID[:min(len(d.ID), 1<<15)]
	dst = append(dst, recordVersion, byte(d.Kind), byte(d.Severity))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(d.Time.UnixNano())) //nolint:gosec // only a form
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(id)))           //nolint:gosec // bounded above
	dst = append(dst, id...)
	return append(dst, d.JSON...)
}

// errRecord says that a spool holds what this version cannot read.
var errRecord = errors.New("a stored document cannot be read")

// parseRecord reads what appendRecord wrote; the document refers to the record.
func parseRecord(record []byte) (Document, error) {
	if len(record) < recordHeader || record[0] != recordVersion {
		return Document{}, errRecord
	}
	id := int(binary.LittleEndian.Uint16(record[recordHeader-2:]))
	if len(record) < recordHeader+id {
		return Document{}, errRecord
	}
	return Document{
		Kind: Kind(record[1]), Severity: Severity(record[2]),
		Time: time.Unix(0, int64(binary.LittleEndian.Uint64(record[3:]))), //nolint:gosec // only a form
		ID:   string(record[recordHeader : recordHeader+id]), JSON: record[recordHeader+id:],
	}, nil
}
