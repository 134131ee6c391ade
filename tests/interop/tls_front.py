"""Ends TLS for a server on this host: CERTIFICATE KEY PORT SERVER-PORT."""
import asyncio
import ssl
import sys

certificate, key, port, behind = sys.argv[1:]


async def pass_on(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def serve(reader, writer):
    try:
        there = await asyncio.open_connection("127.0.0.1", int(behind))
    except OSError:
        writer.close()
        return
    ways = pass_on(reader, there[1]), pass_on(there[0], writer)
    await asyncio.gather(*ways, return_exceptions=True)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with await asyncio.start_server(serve, "127.0.0.1", int(port), ssl=context) as server:
        print("ready", flush=True)
        await server.serve_forever()


asyncio.run(main())
