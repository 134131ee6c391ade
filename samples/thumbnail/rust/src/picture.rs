//! Pictures: their samples, and how they come from and go into files. Exists so that the rest knows of no file format.

use std::io::Cursor;

use zune_jpeg::{
    JpegDecoder,
    zune_core::{colorspace::ColorSpace, options::DecoderOptions},
};

/// A picture of 8 bits a sample.
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// Samples of a pixel: grey, grey and alpha, RGB, or RGB and alpha.
    pub channels: usize,
    /// Row by row, from the top.
    pub samples: Vec<u8>,
}

impl Picture {
    /// Reads a PNG or a JPEG of at most so many pixels.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(file: &[u8], pixels_max: u64) -> Result<Self, String> {
        let check = |width: u32, height: u32| match u64::from(width) * u64::from(height) {
            0 => Err("the picture has no pixels".to_owned()),
            pixels if pixels > pixels_max => {
                Err(format!("{width} × {height} pixels are more than {pixels_max}"))
            }
            _ => Ok(()),
        };
        match file {
            [0x89, b'P', b'N', b'G', ..] => read_png(file, check),
            [0xff, 0xd8, 0xff, ..] => read_jpeg(file, check),
            _ => Err("it is neither a PNG nor a JPEG".to_owned()),
        }
    }

    /// As a PNG.
    ///
    /// # Errors
    /// When there are not as many samples as there should be.
    pub fn png(&self) -> Result<Vec<u8>, String> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(match self.channels {
            1 => png::ColorType::Grayscale,
            2 => png::ColorType::GrayscaleAlpha,
            3 => png::ColorType::Rgb,
            _ => png::ColorType::Rgba,
        });
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&self.samples)?;
            writer.finish()
        });
        written.map_err(|error| format!("the PNG cannot be written: {error}"))?;
        Ok(file)
    }
}

fn read_png(file: &[u8], check: impl Fn(u32, u32) -> Result<(), String>) -> Result<Picture, String> {
    let broken = |error: png::DecodingError| format!("the PNG is broken: {error}");
    let mut decoder = png::Decoder::new(Cursor::new(file));
    // Palettes become colours, 16 bits a sample become 8.
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(broken)?;
    let (width, height) = reader.info().size();
    check(width, height)?;
    let mut samples = vec![0; reader.output_buffer_size().ok_or("the PNG is broken: it is too large")?];
    let frame = reader.next_frame(&mut samples).map_err(broken)?;
    samples.truncate(frame.buffer_size());
    Ok(Picture { width, height, channels: frame.color_type.samples(), samples })
}

fn read_jpeg(file: &[u8], check: impl Fn(u32, u32) -> Result<(), String>) -> Result<Picture, String> {
    let broken = |error: zune_jpeg::errors::DecodeErrors| format!("the JPEG is broken: {error}");
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(file), options);
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.info().map_or((0, 0), |info| (info.width.into(), info.height.into()));
    check(width, height)?;
    let samples = decoder.decode().map_err(broken)?;
    Ok(Picture { width, height, channels: 3, samples })
}
