package fix

// TimePrecision is how many digits of a second our UTCTimestamps carry.
type TimePrecision uint8

const (
	// Milliseconds: YYYYMMDD-HH:MM:SS.mmm, the default.
	Milliseconds TimePrecision = iota
	// Microseconds: YYYYMMDD-HH:MM:SS.uuuuuu.
	Microseconds
)

const (
	nanosPerSecond = int64(1e9)
	secondsPerDay  = 86400
)

// appendTimestamp appends ns since the Unix epoch (0 <= ns) as UTCTimestamp.
func appendTimestamp(dst []byte, ns int64, precision TimePrecision) []byte {
	if ns < 0 {
		ns = 0
	}
	seconds, fraction := ns/nanosPerSecond, ns%nanosPerSecond
	year, month, day := civil(seconds / secondsPerDay)
	ofDay := int(seconds % secondsPerDay)
	dst = append(dst,
		byte('0'+year/1000%10), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10),
		byte('0'+month/10), byte('0'+month%10), byte('0'+day/10), byte('0'+day%10), '-',
		byte('0'+ofDay/36000), byte('0'+ofDay/3600%10), ':',
		byte('0'+ofDay/600%6), byte('0'+ofDay/60%10), ':',
		byte('0'+ofDay/10%6), byte('0'+ofDay%10), '.')
	millis := int(fraction / 1e6)
	dst = append(dst, byte('0'+millis/100), byte('0'+millis/10%10), byte('0'+millis%10))
	if precision == Microseconds {
		micros := int(fraction / 1e3 % 1e3)
		dst = append(dst, byte('0'+micros/100), byte('0'+micros/10%10), byte('0'+micros%10))
	}
	return dst
}

// civil turns days since 1970-01-01 into a date of the Gregorian calendar, for days >= 0.
func civil(days int64) (year, month, day int) {
	z := days + 719468
	era := z / 146097
	doe := z % 146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

// daysOf is the inverse of civil.
func daysOf(year, month, day int) int64 {
	y := int64(year)
	m := int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y % 400
	doy := (153*(m-3)+2)/5 + int64(day) - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// twoDigits reads two digits, or gives a number far out of every range.
func twoDigits(b []byte) int {
	hi, lo := b[0]-'0', b[1]-'0'
	if hi > 9 || lo > 9 {
		return 1000
	}
	return int(hi)*10 + int(lo)
}

// parseDate reads YYYYMMDD into days since 1970-01-01.
func parseDate(b []byte) (int64, bool) {
	if len(b) != 8 {
		return 0, false
	}
	century, year, month, day := twoDigits(b), twoDigits(b[2:]), twoDigits(b[4:]), twoDigits(b[6:])
	year += century * 100
	if year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return daysOf(year, month, day), true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// parseTimestamp reads a UTCTimestamp with no fraction or one of 3, 6 or 9 digits into ns since the Unix epoch. Second 60 is taken, as FIX
// has it for leap seconds.
func parseTimestamp(b []byte) (int64, bool) {
	if len(b) < 17 || b[8] != '-' || b[11] != ':' || b[14] != ':' {
		return 0, false
	}
	days, ok := parseDate(b[:8])
	if !ok {
		return 0, false
	}
	hour, minute, second := twoDigits(b[9:]), twoDigits(b[12:]), twoDigits(b[15:])
	if hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	ns := (days*secondsPerDay + int64(hour*3600+minute*60+second)) * nanosPerSecond
	switch len(b) {
	case 17:
		return ns, true
	case 21, 24, 27:
		if b[17] != '.' {
			return 0, false
		}
		fraction, ok := parseUint(b[18:])
		if !ok {
			return 0, false
		}
		for digits := len(b) - 18; digits < 9; digits += 3 {
			fraction *= 1000
		}
		return ns + int64(fraction), true
	}
	return 0, false
}
