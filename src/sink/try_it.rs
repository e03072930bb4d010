use super::*;
use crate::recipe::*;
use crate::shape::Area;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn cards(path: &str) -> Vec<Card> {
    let bytes = fs::read(path).unwrap();
    bytes.chunks_exact(80).map(|c| Card::from_bytes(c.try_into().unwrap())).collect()
}

#[test]
fn try_it() {
    let dir = "/tmp/h/sink-scratch";
    let _ = fs::remove_dir_all(format!("{dir}/out"));
    fs::create_dir(format!("{dir}/out")).unwrap();
    let shape = Shape { nrow: 9, ncol: 13 };
    for n in 0.. {
        let path = format!("{dir}/in/{n}.cards");
        if !Path::new(&path).exists() { break; }
        let first = cards(&path);
        let primary = cards(&format!("{dir}/in/{n}.primary"));
        let mut exposures = Exposures::default();
        if n % 2 == 0 {
            exposures.add(Some(30.0), Some("2024-01-01T00:00:00"), None);
        } else { exposures.add(None, None, None); }
        let differing: BTreeSet<String> = ["DATE-OBS", "AIRMASS"].iter().map(|s| s.to_string()).collect();
        let region = Area { rows: 3..12, cols: 5..18 };
        let stack = Stack { clip: vec!["sigma:3,center=mean".parse().unwrap(), "minmax:,60000".parse().unwrap()], scale: Level::Median, ..Stack::default() };
        let name = |i: usize| format!("a'frâme{i}.fits[{}]", "x".repeat(i % 90));
        let p = Provenance { stack: &stack, nframe: 1010, name: &name, exposures: &exposures, differing: &differing,
            bad_pixels: Some(Path::new("/x/bpm.fits")), region: (n % 3 == 0).then_some(&region), uncertainty: true };
        let planes = [Plane::Data, Plane::Mask, Plane::Uncertainty, Plane::Count, Plane::Low, Plane::High];
        let types = PlaneTypes { data: [PixelType::F32, PixelType::I16, PixelType::U16, PixelType::F64][n % 4], uncertainty: PixelType::F32 };
        let fill = |sink: &mut FitsSink, hdus: &[HduSpec]| for hdu in hdus {
            let k = sink.add(hdu).unwrap();
            let nb = hdu.pixels.unwrap().dtype.nbyte();
            let bytes: Vec<u8> = (0..shape.npixel() * nb).map(|b| ((b * 7 + k) % 50) as u8).collect();
            sink.write(k, &shape.area(), &bytes).unwrap();
        };
        let whole = combined(&first, Part::Whole { inherited: &primary }, &p);
        let mut sink = FitsSink::create(Path::new(&format!("{dir}/out/{n}.fits")), false).unwrap();
        fill(&mut sink, &plane_hdus(&planes, types, shape, Place::Primary, &whole));
        sink.finish().unwrap();
        let mut sink = FitsSink::create(Path::new(&format!("{dir}/out/{n}m.fits")), false).unwrap();
        let head = combined(if primary.is_empty() { &first } else { &primary }, Part::Primary, &p);
        sink.add(&HduSpec { extname: None, extver: None, pixels: None, cards: head }).unwrap();
        let ext = combined(&first, Part::Extension, &p);
        for v in 1..3 {
            fill(&mut sink, &plane_hdus(&planes, types, shape, Place::Extension { name: Some("SCI"), version: Some(v), number: 1 }, &ext));
        }
        sink.finish().unwrap();
    }
}
