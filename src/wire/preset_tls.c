/*
 * A ClientHello as Chromium 156 sends it.
 *
 * Measured over 51 hellos of its (tests/data/presets/README.md): always the
 * same ciphers and the same 17 extensions in an order drawn anew each time,
 * between two of GREASE (RFC 8701), the first empty, the last with one zero;
 * GREASE too ahead of ciphers, versions, groups, shares (the groups' value) and
 * signature schemes.  Its only length that varies is that of the sham of an
 * encrypted hello (RFC 9849, section 6.2): 144, 176, 208 or 240 bytes.  The
 * padding of RFC 7685 is added to hellos of 256 to 511 bytes alone, and none is
 * that short.
 */
#include <string.h>

#include "preset_int.h"

#define TLS_GROUP_X25519       0x001d
#define TLS_GROUP_X25519MLKEM  0x11ec
#define TLS_X25519_KEY	       32
#define TLS_MLKEM_Q	       3329 /* FIPS 203, section 2.4 */
#define TLS_MLKEM_COEFFICIENTS 768  /* three polynomials of 256 */
#define TLS_MLKEM_SEED	       32
#define TLS_RANDOM	       32

#define TLS_EXT_SERVER_NAME 0
#define TLS_EXT_GROUPS	    10
#define TLS_EXT_SIGNATURES  13
#define TLS_EXT_VERSIONS    43
#define TLS_EXT_KEY_SHARE   51
#define TLS_EXT_ANCHORS	    0xca34
#define TLS_EXT_ECH	    0xfe0d

struct hello {
	struct text t;
	struct rng *r;
	const char *sni;
	bool pq;
	uint16_t grease_group;
};

/* --- bytes --- */

static void
tls_put8(struct hello *h, unsigned int v)
{
	uint8_t b = (uint8_t)v;

	text_add_bytes(&h->t, &b, 1);
}

static void
tls_put16(struct hello *h, unsigned int v)
{
	tls_put8(h, v >> 8);
	tls_put8(h, v);
}

static void
tls_put16s(struct hello *h, const uint16_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tls_put16(h, v[i]);
}

/* Begins what has its length in two bytes before it; gives where it begins. */
static size_t
tls_begin16(struct hello *h)
{
	tls_put16(h, 0);
	return h->t.len;
}

/* Ends it.  No hello is so long that a length would not fit. */
static void
tls_end16(struct hello *h, size_t at)
{
	size_t n = h->t.len - at;

	if (h->t.bad)
		return;
	h->t.p[at - 2] = (char)(n >> 8);
	h->t.p[at - 1] = (char)n;
}

static void
tls_put_noise(struct hello *h, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tls_put8(h, rng_below(h->r, 256));
}

/* RFC 8701, section 2: 0x0a0a, 0x1a1a, up to 0xfafa. */
static uint16_t
tls_draw_grease(struct hello *h)
{
	return (uint16_t)(0x0a0a + 0x1010 * rng_below(h->r, 16));
}

/* --- keys, which are noise of the right form --- */

/* RFC 7748, section 5: the highest bit of the last byte is no part of it. */
static void
tls_put_x25519(struct hello *h)
{
	tls_put_noise(h, TLS_X25519_KEY - 1);
	tls_put8(h, rng_below(h->r, 128));
}

/* FIPS 203, algorithm 13: coefficients below q, 12 bits each, then the seed. */
static void
tls_put_mlkem768(struct hello *h)
{
	for (int i = 0; i < TLS_MLKEM_COEFFICIENTS; i += 2) {
		uint32_t a = rng_below(h->r, TLS_MLKEM_Q);
		uint32_t b = rng_below(h->r, TLS_MLKEM_Q);

		tls_put8(h, a);
		tls_put8(h, a >> 8 | b << 4);
		tls_put8(h, b >> 4);
	}
	tls_put_noise(h, TLS_MLKEM_SEED);
}

/* --- extensions --- */

static void
tls_put_server_name(struct hello *h)
{
	size_t list = tls_begin16(h), name;

	tls_put8(h, 0); /* host_name */
	name = tls_begin16(h);
	text_add(&h->t, h->sni);
	tls_end16(h, name);
	tls_end16(h, list);
}

static void
tls_put_groups(struct hello *h)
{
	static const uint16_t groups[] = {TLS_GROUP_X25519, 0x0017, 0x0018};
	size_t list = tls_begin16(h);

	tls_put16(h, h->grease_group);
	if (h->pq)
		tls_put16(h, TLS_GROUP_X25519MLKEM);
	tls_put16s(h, groups, sizeof(groups) / sizeof(groups[0]));
	tls_end16(h, list);
}

static void
tls_put_key_share(struct hello *h)
{
	size_t list = tls_begin16(h), key;

	tls_put16(h, h->grease_group);
	tls_put16(h, 1);
	tls_put8(h, 0);
	if (h->pq) {
		tls_put16(h, TLS_GROUP_X25519MLKEM);
		key = tls_begin16(h);
		tls_put_mlkem768(h);
		tls_put_x25519(h);
		tls_end16(h, key);
	}
	tls_put16(h, TLS_GROUP_X25519);
	key = tls_begin16(h);
	tls_put_x25519(h);
	tls_end16(h, key);
	tls_end16(h, list);
}

static void
tls_put_versions(struct hello *h)
{
	tls_put8(h, 6);
	tls_put16(h, tls_draw_grease(h));
	tls_put16(h, 0x0304);
	tls_put16(h, 0x0303);
}

/* 0x0904 to 0x0906 are ML-DSA. */
static void
tls_put_signatures(struct hello *h)
{
	static const uint16_t schemes[] = {0x0904, 0x0905, 0x0906, 0x0403,
	    0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601};
	size_t list = tls_begin16(h);

	tls_put16(h, tls_draw_grease(h));
	tls_put16s(h, schemes, sizeof(schemes) / sizeof(schemes[0]));
	tls_end16(h, list);
}

/* RFC 9849, section 6.2: an outer hello whose inner one is noise. */
static void
tls_put_ech(struct hello *h)
{
	static const uint16_t kdf_aead[] = {0x0001, 0x0001};
	size_t n = 144 + 32 * (size_t)rng_below(h->r, 4);

	tls_put8(h, 0);
	tls_put16s(h, kdf_aead, 2);
	tls_put8(h, rng_below(h->r, 256));
	tls_put16(h, TLS_X25519_KEY);
	tls_put_x25519(h);
	tls_put16(h, (unsigned int)n);
	tls_put_noise(h, n);
}

/*
 * The trust anchors that this browser has for such servers: identifiers of
 * three owners below 1.3.6.1.4.1, each behind its length.
 */
static void
tls_put_anchors(struct hello *h)
{
	static const struct {
		const char *owner; /* and the arcs that all of its have */
		const char *last;
	} owners[] = {
	    {"\x82\xdf\x13\x02", "\x01\x06\x0d\x0e\x0f\x12\x13\x14"},
	    {"\x83\x9a\x64\x8c\x9b\x2d\x01",
		"\x07\x08\x09\x0a\x0b\x0c\x0d\x12\x13"},
	    {"\xd6\x79\x09", "\x01\x04\x05\x06\x07\x08\x0a\x0b\x0c\x0d\x0f"},
	};
	size_t list = tls_begin16(h);

	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		for (const char *s = owners[i].last; *s != '\0'; s++) {
			tls_put8(h, (unsigned int)strlen(owners[i].owner) + 1);
			text_add(&h->t, owners[i].owner);
			tls_put8(h, (unsigned char)*s);
		}
	tls_end16(h, list);
}

/* A body that is always the same, or a function that writes it. */
static const struct hello_extension {
	uint16_t type;
	uint16_t len;
	const char *body;
	void (*put)(struct hello *h);
} extensions[] = {
    {TLS_EXT_SERVER_NAME, 0, NULL, tls_put_server_name},
    {5, 5, "\x01\0\0\0\0", NULL}, /* status_request: OCSP */
    {TLS_EXT_GROUPS, 0, NULL, tls_put_groups},
    {11, 2, "\x01\0", NULL}, /* ec_point_formats: uncompressed */
    {TLS_EXT_SIGNATURES, 0, NULL, tls_put_signatures},
    {16, 14, "\0\x0c\x02h2\x08http/1.1", NULL}, /* ALPN */
    {18, 0, "", NULL},				/* certificate timestamps */
    {23, 0, "", NULL},				/* extended_master_secret */
    {27, 3, "\x02\0\x02", NULL}, /* certificates compressed by brotli */
    {35, 0, "", NULL},		 /* session_ticket */
    {TLS_EXT_VERSIONS, 0, NULL, tls_put_versions},
    {45, 2, "\x01\x01", NULL}, /* psk_key_exchange_modes */
    {TLS_EXT_KEY_SHARE, 0, NULL, tls_put_key_share},
    {0x44cd, 5, "\0\x03\x02h2", NULL}, /* application settings */
    {TLS_EXT_ANCHORS, 0, NULL, tls_put_anchors},
    {TLS_EXT_ECH, 0, NULL, tls_put_ech},
    {0xff01, 1, "\0", NULL}, /* renegotiation_info */
};

#define TLS_EXTENSIONS (sizeof(extensions) / sizeof(extensions[0]))

static void
tls_put_extension(struct hello *h, const struct hello_extension *e)
{
	size_t body;

	tls_put16(h, e->type);
	body = tls_begin16(h);
	if (e->put != NULL)
		e->put(h);
	else
		text_add_bytes(&h->t, e->body, e->len);
	tls_end16(h, body);
}

/* Shuffled (Fisher, Yates), between two of GREASE that differ. */
static void
tls_put_extensions(struct hello *h)
{
	size_t order[TLS_EXTENSIONS] = {0}, list = tls_begin16(h);
	uint16_t first = tls_draw_grease(h), last = tls_draw_grease(h);

	if (last == first)
		last ^= 0x1010;
	tls_put_extension(
	    h, &(struct hello_extension){.type = first, .body = ""});
	for (size_t i = 0; i < TLS_EXTENSIONS; i++) {
		size_t j = rng_below(h->r, (uint32_t)i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (size_t i = 0; i < TLS_EXTENSIONS; i++)
		tls_put_extension(h, &extensions[order[i]]);
	tls_put_extension(
	    h, &(struct hello_extension){.type = last, .len = 1, .body = "\0"});
	tls_end16(h, list);
}

/* --- the whole --- */

/* RFC 8446, section 4.1.2. */
static void
tls_put_hello(struct hello *h)
{
	static const uint16_t ciphers[] = {0x1301, 0x1302, 0x1303, 0xc02b,
	    0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
	    0x009d, 0x002f, 0x0035};
	size_t list;

	tls_put16(h, 0x0303);
	tls_put_noise(h, TLS_RANDOM);
	tls_put8(h, TLS_RANDOM); /* a session, as middleboxes want it */
	tls_put_noise(h, TLS_RANDOM);
	list = tls_begin16(h);
	tls_put16(h, tls_draw_grease(h));
	tls_put16s(h, ciphers, sizeof(ciphers) / sizeof(ciphers[0]));
	tls_end16(h, list);
	tls_put8(h, 1); /* no compression */
	tls_put8(h, 0);
	tls_put_extensions(h);
}

int
preset_tls_hello(const char *what, const char *sni, enum preset_tls kind,
    struct rng *r, uint8_t **out, size_t *len, struct fault *f)
{
	struct hello h = {.r = r, .sni = sni, .pq = kind == PRESET_TLS_FULL};
	size_t record, message;

	if (preset_check_name(what, sni, f) < 0)
		return -1;
	if (preset_is_address(sni))
		return preset_fault(what, sni,
		    "is an address, which no hello names: give a host's name",
		    f);
	h.grease_group = tls_draw_grease(&h);
	tls_put8(&h, 22); /* handshake */
	tls_put16(&h, 0x0301);
	record = tls_begin16(&h);
	tls_put16(
	    &h, 0x0100); /* client_hello, and the first of three of length */
	message = tls_begin16(&h);
	tls_put_hello(&h);
	tls_end16(&h, message);
	tls_end16(&h, record);
	return preset_hand_over(&h.t, out, len, f);
}
