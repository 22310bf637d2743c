// Auditlog checks the audit log of a platesieve device and shares no code with it: RFC 6962 hashes, tiles and proofs
// are those of golang.org/x/mod/sumdb/tlog, signatures those of golang.org/x/mod/sumdb/note, and the entries are held
// to the table of src/platesieve/audit/FORMAT.md, section 2, written down here a second time.
//
//	auditlog [-witness CHECKPOINT] -vkey FILE DIR...
//
// prints one sentence for each log and ends with 0 (intact), 1 (altered), 2 (usage) or 73 (intact in itself, but not
// what the witness saw). Of several logs the largest of these counts.
//
//	cd tests/audit_go && GO111MODULE=off GOPATH=/usr/share/gocode go build -o auditlog .
//
// needs golang-go and golang-golang-x-mod-dev of Debian; nothing is downloaded.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height            = 8
	width             = 1 << height
	exitAltered       = 1
	exitUsage         = 2
	exitContradiction = 73
)

var decimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,18})$`)

// A contradiction is a log that is intact in itself but not the one that a witness saw.
type contradiction struct{ why string }

func (c contradiction) Error() string { return c.why }

// A checkpoint is what the device signed: who it is, how many entries, and the root over them.
type checkpoint struct {
	size int64
	root tlog.Hash
}

func main() {
	vkey := flag.String("vkey", "", "file with the public key that was noted at enrolment")
	witness := flag.String("witness", "", "an earlier checkpoint of this device, kept elsewhere")
	flag.Parse()
	if *vkey == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(exitUsage)
	}
	verifier, err := readVerifier(*vkey)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
	exit := 0
	for _, dir := range flag.Args() {
		code, sentence := judge(dir, *witness, verifier)
		fmt.Printf("%s: %s\n", dir, sentence)
		if code > exit {
			exit = code
		}
	}
	os.Exit(exit)
}

func judge(dir, witness string, verifier note.Verifier) (int, string) {
	size, err := check(dir, witness, verifier)
	var against contradiction
	switch {
	case errors.As(err, &against):
		return exitContradiction, "the log contradicts the witness: " + err.Error()
	case err != nil:
		return exitAltered, "the log is not what its device signed: " + err.Error()
	}
	return 0, fmt.Sprintf("the log is intact: %d entries", size)
}

func readVerifier(file string) (note.Verifier, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(strings.TrimSpace(string(text)))
}

// check re-derives everything from the entries and returns how many there are.
func check(dir, witness string, verifier note.Verifier) (int64, error) {
	signed, err := readCheckpoint(filepath.Join(dir, "checkpoint"), verifier)
	if err != nil {
		return 0, err
	}
	entries, err := readEntries(dir, signed.size)
	if err != nil {
		return 0, err
	}
	for number, entry := range entries {
		if err := checkEntry(entry); err != nil {
			return 0, fmt.Errorf("entry %d: %w", number, err)
		}
	}
	hashes, err := hashAll(entries)
	if err != nil {
		return 0, err
	}
	root, err := treeHash(signed.size, hashes)
	if err != nil {
		return 0, err
	}
	if root != signed.root {
		return 0, errors.New("the entries do not have the root that was signed")
	}
	if err := checkTiles(dir, signed.size, hashes); err != nil {
		return 0, err
	}
	if err := checkInclusion(entries, signed, hashes); err != nil {
		return 0, err
	}
	if witness == "" {
		return signed.size, nil
	}
	return signed.size, checkWitness(witness, verifier, signed, hashes)
}

// readCheckpoint returns the size and root that the expected key signed, and that key's every signature must be right.
func readCheckpoint(file string, verifier note.Verifier) (checkpoint, error) {
	msg, err := os.ReadFile(file)
	if err != nil {
		return checkpoint{}, fmt.Errorf("there is no checkpoint: %w", err)
	}
	opened, err := note.Open(msg, note.VerifierList(verifier))
	if err != nil {
		return checkpoint{}, err
	}
	if err := checkSignatureLines(msg, opened.Text, verifier); err != nil {
		return checkpoint{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return checkpoint{}, errors.New("the checkpoint has not three lines")
	}
	if lines[0] != verifier.Name() {
		return checkpoint{}, errors.New("the checkpoint is of another log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || !decimal.MatchString(lines[1]) {
		return checkpoint{}, errors.New("the size in the checkpoint is no decimal number")
	}
	root, err := canonicalBase64(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return checkpoint{}, errors.New("the root in the checkpoint is not canonical base64 of 32 bytes")
	}
	signed := checkpoint{size: size}
	copy(signed.root[:], root)
	return signed, nil
}

// checkSignatureLines is what FORMAT 4.3 and 4.4 ask for beyond note.Open, which stops at the first good signature
// of a key and reads base64 leniently.
func checkSignatureLines(msg []byte, text string, verifier note.Verifier) error {
	lines := strings.Split(strings.TrimSuffix(string(msg[len(text)+1:]), "\n"), "\n")
	for _, line := range lines {
		parts := strings.Split(line, " ")
		blob, err := canonicalBase64(parts[len(parts)-1])
		if err != nil || len(parts) != 3 || len(blob) < 5 {
			return errors.New("a signature line is not a dash, a name and canonical base64")
		}
		mine := parts[1] == verifier.Name() && binary.BigEndian.Uint32(blob) == verifier.KeyHash()
		if mine && !verifier.Verify([]byte(text), blob[4:]) {
			return errors.New("a signature of the device's key is wrong")
		}
	}
	return nil
}

func canonicalBase64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && base64.StdEncoding.EncodeToString(decoded) != text {
		err = errors.New("not canonical")
	}
	return decoded, err
}

// readEntries takes the bundles apart: each entry stands behind its length in two bytes.
func readEntries(dir string, size int64) ([][]byte, error) {
	var entries [][]byte
	for index := int64(0); index*width < size; index++ {
		count := size - index*width
		if count > width {
			count = width
		}
		// The level does not matter: entries have the same numbers as the tiles of level 0 beside them.
		name := strings.Replace(tilePath(tlog.Tile{H: height, L: 0, N: index, W: int(count)}), "tile/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: the log is truncated", name)
		}
		before := len(entries)
		for len(data) > 0 {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s ends within an entry", name)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			entries, data = append(entries, data[2:end]), data[end:]
		}
		if int64(len(entries)-before) != count {
			return nil, fmt.Errorf("%s has %d entries instead of %d", name, len(entries)-before, count)
		}
	}
	return entries, nil
}

// hashAll returns every hash of the tree, in the order in which tlog numbers them.
func hashAll(entries [][]byte) (tlog.HashReader, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(stored)) {
				return nil, errors.New("the tree has no such hash")
			}
			found[i] = stored[index]
		}
		return found, nil
	})
	for number, entry := range entries {
		added, err := tlog.StoredHashes(int64(number), entry, reader)
		if err != nil {
			return nil, err
		}
		stored = append(stored, added...)
	}
	return reader, nil
}

func treeHash(size int64, hashes tlog.HashReader) (tlog.Hash, error) {
	if size == 0 {
		return sha256.Sum256(nil), nil // RFC 6962, 2.1
	}
	return tlog.TreeHash(size, hashes)
}

func checkTiles(dir string, size int64, hashes tlog.HashReader) error {
	for _, tile := range tlog.NewTiles(height, 0, size) {
		if tile.W < width && int64(tile.W) != size>>(height*tile.L)-tile.N*width {
			continue // the partial tile of an earlier size, which the folder need not keep
		}
		expected, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return err
		}
		found, err := os.ReadFile(filepath.Join(dir, tilePath(tile)))
		if err != nil {
			return fmt.Errorf("%s cannot be read: the log is truncated", tilePath(tile))
		}
		if !bytes.Equal(found, expected) {
			return fmt.Errorf("%s does not follow from the entries", tilePath(tile))
		}
	}
	return nil
}

// tilePath is the layout of c2sp.org/tlog-tiles, which leaves out the height that the path of sumdb has.
func tilePath(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

func checkInclusion(entries [][]byte, signed checkpoint, hashes tlog.HashReader) error {
	for number, entry := range entries {
		proof, err := tlog.ProveRecord(signed.size, int64(number), hashes)
		if err == nil {
			err = tlog.CheckRecord(proof, signed.size, signed.root, int64(number), tlog.RecordHash(entry))
		}
		if err != nil {
			return fmt.Errorf("entry %d is not under the signed root: %w", number, err)
		}
	}
	return nil
}

// checkWitness proves that what the witness saw is the beginning of what the device has now.
func checkWitness(file string, verifier note.Verifier, signed checkpoint, hashes tlog.HashReader) error {
	seen, err := readCheckpoint(file, verifier)
	if err != nil {
		return contradiction{"the witnessed checkpoint was not signed with the key of this log"}
	}
	if seen.size > signed.size {
		return contradiction{fmt.Sprintf("it saw %d entries; the last %d are gone", seen.size, seen.size-signed.size)}
	}
	if seen.size == 0 {
		if seen.root != sha256.Sum256(nil) {
			return contradiction{"it saw another empty log"}
		}
		return nil
	}
	proof, err := tlog.ProveTree(signed.size, seen.size, hashes)
	if err == nil {
		err = tlog.CheckTree(proof, signed.size, signed.root, seen.size, seen.root)
	}
	if err != nil {
		return contradiction{fmt.Sprintf("the first %d entries are not those that it saw", seen.size)}
	}
	return nil
}
