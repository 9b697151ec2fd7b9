/*
 * Triggers that need nothing but a name: what clients send first for it, and
 * controls of the same length.  Pure.
 *
 * The bytes are those of Chromium 156, as captured (tests/data/presets).
 * Where `what` is given it names the option in the fault, a FAULT_USAGE.
 * *out is malloc'd, the caller frees it.
 */
#ifndef RSTHOP_PRESET_H
#define RSTHOP_PRESET_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/rng.h>

#define PRESET_NAME 254 /* RFC 1035, section 2.3.4: 253 letters and a NUL */

/*
 * Letters, digits, hyphens by labels of 1 to 63 (RFC 1123, section 2.1), no dot
 * at the end; names of other letters in their A-label form, xn--.
 */
int preset_check_name(const char *what, const char *name, struct fault *f);

/*
 * A harmless name as long as name, which must have passed: below .example
 * (RFC 2606) where there is room for it.  Never name itself.
 */
void preset_control_name(const char *name, char out[PRESET_NAME]);

/*
 * GET of path (NULL: /) from host, an address of IPv4 too.  A port but 80 and 0
 * goes into Host.
 */
int preset_http(const char *what, const char *host, int port, const char *path,
    uint8_t **out, size_t *len, struct fault *f);

enum preset_tls {
	/*
	 * As the browser sends it, with a post-quantum share: 1909 to 2257
	 * bytes, which go into two segments.
	 */
	PRESET_TLS_FULL,
	/*
	 * The same without that share and its group, as browsers sent it before
	 * they had one: 687 to 1035 bytes, one segment.
	 */
	PRESET_TLS_ONE
};

/*
 * A ClientHello for sni, which can be no address (RFC 6066, section 3).  Equal
 * states of r give hellos that differ in sni alone, so a copy of r makes the
 * control.  Its keys are noise: no handshake can be ended with them.
 */
int preset_tls_hello(const char *what, const char *sni, enum preset_tls kind,
    struct rng *r, uint8_t **out, size_t *len, struct fault *f);

/*
 * Commands as of MySQL's protocol, for a connection that is logged in without
 * CLIENT_QUERY_ATTRIBUTES (which would put two bytes before a query's words).
 */
int preset_mysql_init_db(const char *what, const char *db, uint8_t **out,
    size_t *len, struct fault *f);
int preset_mysql_query(const char *what, const char *sql, uint8_t **out,
    size_t *len, struct fault *f);

/* "DO 0" and blanks, n bytes in all; COM_PING, 5 bytes, where n is below 9. */
int preset_mysql_control(size_t n, uint8_t **out, size_t *len, struct fault *f);

#endif
